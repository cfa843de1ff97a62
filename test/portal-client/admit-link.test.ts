import assert from 'node:assert/strict'
import { admitLink, trustPortal, TrustStore, type TrustParts } from '../../src/portal-client/index.ts'
import { formatMagnet } from '../../src/wire/magnet.ts'
import { refused, tempFolder } from './fixtures.ts'
import { keys, newKey, openLinkPortal, type LinkPortal } from './link-portal.ts'

describe('a link', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>
  let portal: LinkPortal
  let parts: TrustParts & { readonly trust: TrustStore }

  beforeEach(async () => {
    folder = await tempFolder()
    portal = await openLinkPortal()
    parts = { trust: new TrustStore(folder.path) }
  })
  afterEach(async () => {
    await portal[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const stop = async (): Promise<void> => portal[Symbol.asyncDispose]()
  const pin = async (): Promise<unknown> => trustPortal(portal.url, parts)

  describe('of the first portal that a machine meets', () => {
    it('makes that portal trusted, and says so', async () => {
      const admitted = await admitLink(await portal.link(), parts)
      assert.equal(admitted.portal, portal.url)
      assert.equal(admitted.newlyTrusted, portal.url)
      assert.deepEqual(admitted.magnet.trackers, portal.magnet().trackers)
      assert.equal((await parts.trust.find(portal.url))?.portalKey.kid, keys.portal.kid)
    })

    it('is refused when that portal did not sign it, and nobody is trusted', async () => {
      const link = await portal.link({}, await newKey('link'))
      await assert.rejects(admitLink(link, parts), refused('not-granted', /was not signed by/))
      assert.deepEqual(await parts.trust.all(), [])
    })

    it('is refused when it leads to a host that the portal does not declare', async () => {
      const link = await portal.link({ trackers: ['http://10.9.9.9:99/announce'] })
      await assert.rejects(admitLink(link, parts), refused('not-granted', /leads to 10\.9\.9\.9:99, which/))
      assert.deepEqual(await parts.trust.all(), [])
    })

    it('is refused when the portal calls itself by another name', async () => {
      await portal.show({ document: { portal: 'https://other.example' } })
      const message = /calls itself https:\/\/other\.example: use that address/
      await assert.rejects(admitLink(await portal.link(), parts), refused('not-granted', message))
    })

    it('is refused when the portal does not answer', async () => {
      const link = await portal.link()
      await stop()
      await assert.rejects(admitLink(link, parts), refused('unavailable', /is it running/))
    })
  })

  describe('of a trusted portal', () => {
    it('is admitted without asking the portal, which may be down', async () => {
      await pin()
      const link = await portal.link()
      await stop()
      const admitted = await admitLink(link, parts)
      assert.equal(admitted.portal, portal.url)
      assert.equal(admitted.newlyTrusted, undefined)
    })

    it('is refused when it was changed, without asking anybody', async () => {
      await pin()
      const link = (await portal.link()).replace('dn=film', 'dn=flim')
      await assert.rejects(admitLink(link, parts), refused('not-granted', /changed on its way/))
      assert.equal(portal.asked.length, 1)
    })

    it('is admitted by a link key that the portal has had since, asked for once', async () => {
      await pin()
      await portal.show({ linkKey: keys.nextLink })
      const link = await portal.link({}, keys.nextLink)
      await admitLink(link, parts)
      await admitLink(link, parts)
      assert.equal(portal.asked.length, 2)
    })

    it('is refused when the portal does not know its key either, asked once', async () => {
      await pin()
      const link = await portal.link({}, await newKey('link'))
      await assert.rejects(admitLink(link, parts), refused('not-granted', /was not signed by/))
      assert.equal(portal.asked.length, 2)
    })

    it('may lead to a host that the portal has declared since', async () => {
      await pin()
      const link = await portal.link({ trackers: ['http://10.9.9.9:99/announce'] })
      await assert.rejects(admitLink(link, parts), refused('not-granted', /does not declare/))
      await portal.show({ document: { hosts: ['10.9.9.9:99'] } })
      await admitLink(link, parts)
      assert.deepEqual((await parts.trust.find(portal.url))?.document.hosts, ['10.9.9.9:99'])
    })

    it('moves the trust to a new key that the old one signed', async () => {
      await pin()
      await portal.show({ portalKey: keys.nextPortal, previous: keys.portal, linkKey: keys.nextLink })
      await admitLink(await portal.link({}, keys.nextLink), parts)
      assert.equal((await parts.trust.find(portal.url))?.portalKey.kid, keys.nextPortal.kid)
    })

    it('is refused when the portal shows a new key that the old one did not sign', async () => {
      await pin()
      await portal.show({ portalKey: keys.nextPortal, linkKey: keys.nextLink })
      const message = /another key than before, which the old key did not sign; .*trust\.json/
      await assert.rejects(
        admitLink(await portal.link({}, keys.nextLink), parts),
        refused('not-granted', message),
      )
      assert.equal((await parts.trust.find(portal.url))?.portalKey.kid, keys.portal.kid)
    })

    it('is refused by a key of an older document that somebody shows again', async () => {
      await portal.show({ document: { issuedAt: '2026-08-01T00:00:00.000Z' } })
      await pin()
      await portal.show({ linkKey: keys.nextLink })
      const link = await portal.link({}, keys.nextLink)
      await assert.rejects(admitLink(link, parts), refused('not-granted', /was not signed by/))
    })
  })

  describe('of another portal than the trusted ones', () => {
    it('is refused, naming which are trusted and how to trust more', async () => {
      await pin()
      await using other = await openLinkPortal()
      const message = `this link is of the portal ${other.url}; this machine trusts ${portal.url}. If you know that portal, add --trust ${other.url}`
      await assert.rejects(admitLink(await other.link(), parts), (error) => {
        assert.equal((error as Error).message, message)
        return refused('not-granted')(error)
      })
      assert.deepEqual(other.asked, [])
    })

    it('is admitted once a person has said to trust it', async () => {
      await pin()
      await using other = await openLinkPortal()
      const admitted = await admitLink(await other.link(), parts, { trustPortal: other.url })
      assert.equal(admitted.newlyTrusted, other.url)
      assert.equal((await parts.trust.all()).length, 2)
    })
  })

  describe('without a signature', () => {
    it('is refused', async () => {
      await assert.rejects(
        admitLink(formatMagnet(portal.magnet()), parts),
        refused('not-granted', /is not signed.*--unsigned/),
      )
    })

    it('is taken on purpose, and makes nobody trusted', async () => {
      const admitted = await admitLink(formatMagnet(portal.magnet()), parts, { unsigned: true })
      assert.equal(admitted.portal, undefined)
      assert.equal(admitted.newlyTrusted, undefined)
      assert.deepEqual(portal.asked, [])
    })

    it('is what a link with a bad signature is not, on purpose or otherwise', async () => {
      const link = (await portal.link()).replace('dn=film', 'dn=flim')
      await assert.rejects(admitLink(link, parts, { unsigned: true }), refused('not-granted'))
    })
  })

  it('is refused when it names no portal', async () => {
    const link = await portal.link({ exactSources: [] })
    await assert.rejects(admitLink(link, parts), refused('not-granted', /names no portal/))
  })

  it('is refused when it is no magnet', async () => {
    await assert.rejects(admitLink('https://example.com', parts), refused('bad-input'))
  })
})
