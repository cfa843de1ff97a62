import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hours, millis, minutes } from '../../src/core/units.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { Journal } from '../../src/portal/journal.ts'
import { KeyFiles } from '../../src/portal/keys/key-files.ts'
import { KeyRing } from '../../src/portal/keys/key-ring.ts'
import { peekGrant } from '../../src/wire/grant.ts'
import { openJwks } from '../../src/wire/key-document.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openTestPortal, PUBLIC_URL, type TestPortal } from './test-portal.ts'

describe('Grant keys', () => {
  let portal: TestPortal
  let slug: string
  beforeEach(async () => {
    portal = await openTestPortal()
    slug = (await portal.live(portal.adminToken)).slug
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const published = async (): Promise<string[]> =>
    (await portal.control(0)).events.flatMap((event) => (event.kind === 'grant-key' ? [event.key.kid] : []))
  const take = async (): Promise<{ kid: string; path: string }> => {
    const link = await portal.link(portal.adminToken, slug, { expiresInSeconds: 3_600 })
    const path = new URL(link.torrentUrl).pathname
    return { kid: peekGrant(path.slice('/dl/'.length, -'.torrent'.length)).kid, path }
  }

  it('are in the feed before they sign', async () => {
    for (let i = 0; i < 3; i++) {
      const known = await published()
      await portal.portal.rotateGrantKeys()
      const { kid } = await take()
      assert.ok(known.includes(kid))
    }
  })

  it('stay good for the grants they signed', async () => {
    const old = await take()
    await portal.portal.rotateGrantKeys()
    assert.notEqual((await take()).kid, old.kid)
    await portal.get(old.path).expect(200)
  })

  it('are refused at once when they leaked', async () => {
    const leaked = await take()
    const { seq } = await portal.control(0)
    await portal.portal.retireGrantKey(leaked.kid)
    await portal.get(leaked.path).expect(403)
    await portal.get((await take()).path).expect(200)
    const { events } = await portal.control(seq)
    assert.ok(events.some((event) => event.kind === 'grant-key-retired' && event.kid === leaked.kid))
    assert.ok(!(await readdir(join(portal.dataDir, 'keys'))).includes(`grant-${leaked.kid}.jwk.json`))
    await assert.rejects(portal.portal.retireGrantKey('none'), /no such grant key/)
  })

  it('are in a document that stays within its bounds', async () => {
    for (let i = 0; i < 20; i++) await portal.portal.rotateGrantKeys()
    const body: unknown = (await portal.get('/.well-known/jwks.json').expect(200)).body
    const { document } = await openJwks(body, portal.portal.portalKey)
    assert.equal(document.portal, PUBLIC_URL)
    assert.ok(document.keys.some((key) => key.kid === portal.portal.portalKey.kid))
    const { kid } = await take()
    assert.ok(document.keys.some((key) => key.kid === kid))
  })

  it('rotate when they are old, and are forgotten when their last grant has expired', async () => {
    const clock = new ManualClock()
    const db = await openDatabase(':memory:')
    const files = new KeyFiles(join(portal.dataDir, 'ring'))
    const journal = new Journal({ db, clock })
    const ring = await KeyRing.open({
      db,
      journal,
      clock,
      files,
      portal: PUBLIC_URL,
      hosts: [],
      deviceCa: '',
    })
    const first = ring.grant.kid
    clock.advance(hours(1))
    await ring.maintain(hours(2))
    assert.equal(ring.grant.kid, first)
    clock.advance(hours(1))
    await ring.maintain(hours(2))
    assert.notEqual(ring.grant.kid, first)
    assert.equal(ring.grantKeys.size, 3)
    clock.advance(minutes(1))
    await ring.maintain(hours(2))
    assert.ok(!ring.grantKeys.has(first))
    clock.advance(millis(1))
    await db.destroy()
  })
})
