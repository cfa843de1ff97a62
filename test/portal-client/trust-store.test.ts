import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { TrustStore, trustPortal, type PinnedPortal } from '../../src/portal-client/index.ts'
import { refused, tempFolder } from './fixtures.ts'
import { ISSUED_AT, keys, openLinkPortal } from './link-portal.ts'

function pinned(origin: string): PinnedPortal {
  const portalKey = keys.portal.publicKey
  return {
    origin,
    portalKey,
    document: { portal: origin, hosts: [], keys: [portalKey], issuedAt: ISSUED_AT },
    pinnedAt: ISSUED_AT,
  }
}

describe('TrustStore', () => {
  it('is empty where nothing was trusted yet', async () => {
    await using folder = await tempFolder()
    assert.deepEqual(await new TrustStore(folder.path).all(), [])
  })

  it('gives back what was pinned, after a restart too, in a file of its user only', async () => {
    await using folder = await tempFolder()
    await new TrustStore(folder.path).pin(pinned('https://a.example'))
    await new TrustStore(folder.path).pin(pinned('https://b.example'))
    const store = new TrustStore(folder.path)
    assert.deepEqual(await store.all(), [pinned('https://a.example'), pinned('https://b.example')])
    assert.deepEqual(await store.find('https://b.example'), pinned('https://b.example'))
    assert.equal((await stat(store.path)).mode & 0o777, 0o600)
  })

  it('holds one entry a portal', async () => {
    await using folder = await tempFolder()
    const store = new TrustStore(folder.path)
    await store.pin(pinned('https://a.example'))
    await store.pin({ ...pinned('https://a.example'), portalKey: keys.nextPortal.publicKey })
    assert.deepEqual(
      (await store.all()).map((portal) => portal.portalKey.kid),
      [keys.nextPortal.kid],
    )
  })

  const broken = ['', '{}', '{"portals":{}}', '{"portals":[{"origin":"https://a.example"}]}', '[1']
  for (const text of broken) {
    it(`refuses a file that holds ${JSON.stringify(text)}, and keeps it`, async () => {
      await using folder = await tempFolder()
      const store = new TrustStore(folder.path)
      await writeFile(store.path, text)
      await assert.rejects(store.all(), refused('bad-input', /trust\.json.* cannot be read/))
      await assert.rejects(store.pin(pinned('https://a.example')), refused('bad-input'))
    })
  }
})

describe('trustPortal', () => {
  it('pins a portal once', async () => {
    await using folder = await tempFolder()
    await using portal = await openLinkPortal()
    const parts = { trust: new TrustStore(folder.path) }
    assert.equal((await trustPortal(`${portal.url}/page`, parts)).isNew, true)
    assert.equal((await trustPortal(portal.url, parts)).isNew, false)
    assert.deepEqual(portal.asked, ['GET /.well-known/jwks.json'])
    assert.equal((await parts.trust.find(portal.url))?.document.keys.length, 2)
  })
})
