import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { ShoalError } from '../../src/core/errors.ts'
import { SiteMap } from '../../src/core/site.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { openPortal, portalSettings } from '../../src/portal/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openTestPortal, PUBLIC_URL, TRACKER_URL } from './test-portal.ts'

const isShoalError =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof ShoalError && pattern.test(error.message)

describe('A portal that starts', () => {
  let dataDir: string
  beforeEach(async () => (dataDir = await mkdtemp(join(tmpdir(), 'shoal-start-'))))
  afterEach(() => rm(dataDir, { recursive: true }))

  it('writes its secrets for this user only', async () => {
    await using _portal = await openTestPortal({ dataDir })
    const keys = (await readdir(join(dataDir, 'keys'))).map((name) => join('keys', name))
    assert.equal(keys.length, 6) // portal, link, two for grants, the session's, the CA for devices
    for (const name of ['admin.token', 'origin.token', ...keys]) {
      const { mode } = await stat(join(dataDir, name))
      assert.equal(mode & 0o777, 0o600, name)
    }
  })

  it('knows everything again after a restart', async () => {
    const first = await openTestPortal({ dataDir })
    const { slug } = await first.live(first.adminToken)
    const link = await first.link(first.adminToken, slug)
    const before = await first.control(0)
    const { portalKey, originToken } = first.portal
    await first[Symbol.asyncDispose]()
    await using second = await openTestPortal({ dataDir })
    assert.deepEqual(second.portal.portalKey, portalKey)
    assert.equal(second.portal.originToken, originToken)
    assert.equal(second.adminToken, first.adminToken)
    assert.deepEqual(await second.control(0), { ...before, at: (await second.control(0)).at })
    await second.get(new URL(link.torrentUrl).pathname).expect(200)
  })

  it('does not write the admin’s token again when the operator took its file away', async () => {
    const first = await openTestPortal({ dataDir })
    await first[Symbol.asyncDispose]()
    const kept = await readFile(join(dataDir, 'admin.token'), 'utf8')
    await rm(join(dataDir, 'admin.token'))
    await assert.rejects(
      openTestPortal({ dataDir }).then((portal) => portal[Symbol.asyncDispose]()),
      /ENOENT/,
    )
    await writeFile(join(dataDir, 'admin.token'), kept)
    await using again = await openTestPortal({ dataDir })
    await again.api('get', '/me', kept.trim()).expect(200)
  })

  it('makes a new token for its origin when the file is gone, and the old one is worth nothing', async () => {
    const first = await openTestPortal({ dataDir })
    await first[Symbol.asyncDispose]()
    await rm(join(dataDir, 'origin.token'))
    await using again = await openTestPortal({ dataDir })
    assert.notEqual(again.originToken, first.originToken)
    await again.api('get', '/me', again.originToken).expect(200)
    await again.api('get', '/me', first.originToken).expect(401)
  })

  it('refuses keys that others may read, or that are gone or broken, and says what to do', async () => {
    const first = await openTestPortal({ dataDir })
    await first[Symbol.asyncDispose]()
    const file = join(dataDir, 'keys', 'portal.jwk.json')
    const kept = await readFile(file)
    await chmod(file, 0o644)
    await assert.rejects(openTestPortal({ dataDir }), isShoalError(/chmod 600/))
    await rm(file)
    await assert.rejects(openTestPortal({ dataDir }), isShoalError(/missing: restore/))
    await writeFile(file, '{}', { mode: 0o600 })
    await assert.rejects(openTestPortal({ dataDir }), isShoalError(/holds no key/))
    await writeFile(file, kept)
    await (await openTestPortal({ dataDir }))[Symbol.asyncDispose]()
  })

  it('says in a sentence that its database is damaged', async () => {
    await writeFile(
      join(dataDir, 'portal.sqlite'),
      'this is no database, and longer than a header'.repeat(100),
    )
    await assert.rejects(
      openTestPortal({ dataDir }),
      isShoalError(/portal\.sqlite.*damaged.*restore it from a backup/),
    )
  })

  it('finishes a first start that was cut off', async () => {
    const first = await openTestPortal({ dataDir })
    await first[Symbol.asyncDispose]()
    const db = new Sqlite(join(dataDir, 'portal.sqlite'))
    db.exec("delete from grant_keys where state = 'signing'")
    db.close()
    await using again = await openTestPortal({ dataDir })
    const { slug } = await again.live(again.adminToken)
    await again.link(again.adminToken, slug)
  })

  it('takes its sites from a sites file, keeps them, and tells everybody when they change', async () => {
    const open = (sites?: SiteMap) =>
      openPortal(
        {
          clock: new ManualClock(),
          log: silentLogger,
          dataDir,
          publicUrl: PUBLIC_URL,
          trackerUrl: TRACKER_URL,
          sites,
        },
        readConfig(portalSettings, {}),
      )
    const map = new SiteMap([{ name: 'lyon', cidrs: ['10.4.0.0/16'], wanBytesPerSecond: 9 }], {
      peering: 'off',
    })
    await (await open(map))[Symbol.asyncDispose]()
    await using again = await open()
    assert.deepEqual(again.sites().sites, map.sites)
    assert.deepEqual(again.sites().unlisted, { peering: 'off' })
    await using portal = await openTestPortal()
    const { seq } = await portal.control(0)
    const items = [{ name: 'oslo', cidrs: ['10.9.1.7/16'] }]
    const answer = await portal.api('put', '/sites', portal.adminToken).send({ items }).expect(200)
    assert.deepEqual(answer.body, { items: [{ name: 'oslo', cidrs: ['10.9.0.0/16'] }] })
    assert.deepEqual((await portal.control(seq)).events, [{ kind: 'epoch', epoch: 2 }])
    const twice = { items: [...items, { name: 'rome', cidrs: ['10.9.0.0/16'] }] }
    await portal.api('put', '/sites', portal.adminToken).send(twice).expect(400)
  })

  it('keeps what is special about a site, tells it, and takes no setting that it does not know the meaning of', async () => {
    await using portal = await openTestPortal()
    const put = (body: object) => portal.api('put', '/sites', portal.adminToken).send(body)
    const vpn = { name: 'vpn', cidrs: ['10.99.0.0/16'], peering: 'off' }
    const told = { items: [vpn], unlisted: { wanBytesPerSecond: 0 } }
    assert.deepEqual((await put(told).expect(200)).body, told)
    assert.deepEqual((await portal.api('get', '/sites', portal.adminToken).expect(200)).body, told)
    await put({ items: [{ ...vpn, peering: 'maybe' }] }).expect(400)
    await put({ items: [{ ...vpn, wanBytesPerSecond: -1 }] }).expect(400)
  })

  it('reads the sites that a version without policies kept', async () => {
    await (await openTestPortal({ dataDir }))[Symbol.asyncDispose]()
    const file = new Sqlite(join(dataDir, 'portal.sqlite'))
    const old = JSON.stringify([{ name: 'lyon', cidrs: ['10.4.0.0/16'] }])
    file.prepare("insert into facts (name, value) values ('sites', ?)").run(old)
    file.close()
    await using again = await openTestPortal({ dataDir })
    assert.deepEqual(again.portal.sites().sites, [{ name: 'lyon', cidrs: ['10.4.0.0/16'] }])
    assert.deepEqual(again.portal.sites().unlisted, {})
  })

  it('wants an address for itself that is an origin', async () => {
    for (const publicUrl of ['media.example.com', 'ftp://x', 'http://x/path'])
      await assert.rejects(openTestPortal({ dataDir, publicUrl }), isShoalError(/an address such as/))
  })
})
