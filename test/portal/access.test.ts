import assert from 'node:assert/strict'
import { grantId, releaseName, slug, type Slug } from '../../src/core/ids.ts'
import {
  bundleDetail,
  eyesOf,
  LATEST,
  mustBeAllowed,
  readBundle,
  readGrant,
  readRelease,
  releaseDetail,
  takeLink,
  type LinkWish,
} from '../../src/portal/access.ts'
import type { Account } from '../../src/portal/account.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import { account, AccessWorld } from './access-world.ts'

const admin = account('admin', 'zed')
const origin = account('origin', 'origin')
const paula = account('publisher', 'paula')
const peter = account('publisher', 'peter')
const vera = account('viewer', 'vera', 'ops')
const otto = account('viewer', 'otto', 'sales')

type Wish = Partial<Omit<LinkWish, 'request'> & { readonly request: Partial<LinkWish['request']> }>

const refusal = (code: string, message?: string) => ({
  name: 'ShoalError',
  code,
  ...(message === undefined ? {} : { message }),
})

describe('Access', () => {
  let world: AccessWorld
  let ops: Slug
  before(async () => {
    world = await AccessWorld.open()
    ops = await world.bundle('For ops', { owner: 'paula', audience: ['ops'] })
  })
  after(() => world[Symbol.asyncDispose]())

  /** What a link was recorded as. */
  async function taken(who: Account, wish: Wish) {
    const request = { expiresInSeconds: 3_600, webSeed: false, ...wish.request }
    const base = { slug: ops, name: LATEST, isPage: false } as const
    const link = await takeLink(world.services, who, { ...base, ...wish, request })
    const row = await world.services.grants.find(grantId(link.grant.id))
    return { link, forUser: row?.for_user, issuedBy: row?.issued_by, peersMax: row?.peers_max }
  }

  it('lets pass what policy allows, and refuses the rest as not granted', () => {
    mustBeAllowed(admin, { kind: 'read-audit' })
    assert.throws(
      () => {
        mustBeAllowed(vera, { kind: 'read-audit' })
      },
      refusal('not-granted', 'your account may not do this'),
    )
  })

  it('lists everything to admins and origins, to others what is theirs or for them', () => {
    assert.equal(eyesOf(admin), 'all')
    assert.equal(eyesOf(origin), 'all')
    assert.deepEqual(eyesOf(paula), { owner: 'paula', audience: ['everyone', 'paula'] })
    assert.deepEqual(eyesOf(vera), { owner: 'vera', audience: ['everyone', 'vera', 'ops'] })
  })

  it('tells apart to nobody a bundle that is not there and one that is not for them', async () => {
    assert.equal((await readBundle(world.services, vera, ops)).title, 'For ops')
    const absent = refusal('not-found', 'no such bundle')
    await assert.rejects(readBundle(world.services, otto, ops), absent)
    await assert.rejects(readBundle(world.services, vera, slug('none')), absent)
    await assert.rejects(bundleDetail(world.services, otto, ops), absent)
  })

  it('gives a release by its name, and the newest live one as "latest"', async () => {
    const { services } = world
    const own = await world.bundle('Releases', { owner: 'paula', audience: ['ops'] })
    const none = refusal('not-found', 'this bundle has no live release yet')
    await assert.rejects(readRelease(services, vera, { slug: own, name: LATEST }), none)
    const first = await world.release(own)
    const second = await world.release(own)
    const third = await world.release(own, { isLive: false })
    const read = async (who: Account, name: string) =>
      (await readRelease(services, who, { slug: own, name: releaseName(name) })).release.name
    assert.equal(await read(vera, LATEST), second.name)
    assert.equal(await read(vera, first.name), first.name)
    assert.equal(await read(paula, third.name), third.name)
    const gone = refusal('not-found', 'no such release')
    await assert.rejects(read(vera, third.name), gone)
    await assert.rejects(read(vera, '99'), gone)
    await assert.rejects(read(otto, first.name), refusal('not-found', 'no such bundle'))
    const { bundle } = await readRelease(services, vera, { slug: own, name: first.name })
    assert.equal(bundle.bundle, own)
  })

  it('shows of a bundle the releases that the account may see, newest first, with their files', async () => {
    const own = await world.bundle('Details', { owner: 'paula', audience: ['ops'] })
    const file = await world.release(own)
    const folder = await world.release(own, { files: 2 })
    const draft = await world.release(own, { isLive: false })
    const names = async (who: Account) =>
      (await bundleDetail(world.services, who, own)).releases.map((release) => release.name)
    assert.deepEqual(await names(vera), [folder.name, file.name])
    assert.deepEqual(await names(paula), [draft.name, folder.name, file.name])
    const { title, releases } = await bundleDetail(world.services, vera, own)
    assert.equal(title, 'Details')
    assert.deepEqual(
      releases.map(({ isSingleFile, files }) => [isSingleFile, files.length]),
      [
        [false, 2],
        [true, 1],
      ],
    )
    const stored = await world.services.catalogue.releaseOf(file.infohash)
    assert.ok(stored)
    const detail = await releaseDetail(world.services, stored)
    assert.deepEqual(detail.files, [{ path: detail.contentName, sizeBytes: 1_000 }])
    assert.equal(detail.infohash, file.infohash)
  })

  it('gives a link for oneself, with the addresses of the role, of a page, or as asked below that', async () => {
    await world.release(ops)
    const peersOf = async (...of: Parameters<typeof taken>) => (await taken(...of)).peersMax
    assert.equal(await peersOf(vera, {}), 8)
    assert.equal(await peersOf(paula, {}), 256)
    assert.equal(await peersOf(admin, {}), 256)
    assert.equal(await peersOf(paula, { isPage: true }), 8)
    assert.equal(await peersOf(paula, { isPage: true, request: { peersMax: 20 } }), 20)
    assert.equal(await peersOf(vera, { request: { peersMax: 3 } }), 3)
    assert.equal(await peersOf(vera, { request: { peersMax: 8 } }), 8)
    await assert.rejects(
      taken(vera, { request: { peersMax: 9 } }),
      refusal('not-granted', 'your links are for at most 8 addresses'),
    )
    await assert.rejects(taken(paula, { request: { peersMax: 257 } }), refusal('not-granted'))
  })

  it('writes down for whom a link is and who took it', async () => {
    const { forUser, issuedBy } = await taken(vera, {})
    assert.deepEqual([forUser, issuedBy], ['vera', 'vera'])
    const other = await taken(paula, { request: { for: 'vera' } })
    assert.deepEqual([other.forUser, other.issuedBy], ['vera', 'paula'])
    await assert.rejects(taken(vera, { request: { for: 'paula' } }), refusal('not-granted'))
    await assert.rejects(taken(otto, {}), refusal('not-found', 'no such bundle'))
  })

  it('opens one release with a link, the one that was asked for', async () => {
    const own = await world.bundle('Two', { owner: 'paula', audience: ['ops'] })
    const first = await world.release(own)
    const second = await world.release(own)
    for (const { name, infohash } of [first, second])
      assert.equal((await taken(vera, { slug: own, name })).link.infohash, infohash)
  })

  it('shows a grant to its person, its giver and admins; to others there is none', async () => {
    const { link } = await taken(paula, { request: { for: 'vera' } })
    const id = grantId(link.grant.id)
    for (const who of [vera, paula, admin])
      assert.equal((await readGrant(world.services, who, { id, kind: 'revoke-grant' })).id, id)
    const none = refusal('not-found', 'no such grant')
    for (const kind of ['read-grant', 'renew-grant', 'revoke-grant'] as const)
      for (const who of [otto, peter, origin])
        await assert.rejects(readGrant(world.services, who, { id, kind }), none)
    const unknown = newGrantId(world.clock.epoch())
    await assert.rejects(readGrant(world.services, admin, { id: unknown, kind: 'read-grant' }), none)
  })

  it('shows at most so many releases, the newest', async () => {
    const own = await world.bundle('Many', { owner: 'paula', audience: ['ops'] })
    for (let i = 0; i < 4; i++) await world.release(own)
    const { releases } = await bundleDetail(world.services, vera, own, { releases: 3, files: 10 })
    assert.deepEqual(
      releases.map(({ name }) => name),
      ['4', '3', '2'],
    )
  })

  it('shows whole releases of at most so many files in all, and the newest whatever it holds', async () => {
    const own = await world.bundle('Large', { owner: 'paula', audience: ['ops'] })
    const shown = async () => {
      const detail = await bundleDetail(world.services, paula, own, { releases: 10, files: 40 })
      return detail.releases.map(({ files }) => files.length)
    }
    await world.release(own, { files: 2, isLive: false })
    await world.release(own, { files: 38, isLive: false })
    assert.deepEqual(await shown(), [38, 2])
    await world.release(own, { isLive: false })
    assert.deepEqual(await shown(), [1, 38])
    await world.release(own, { files: 41, isLive: false })
    assert.deepEqual(await shown(), [41])
  })
})
