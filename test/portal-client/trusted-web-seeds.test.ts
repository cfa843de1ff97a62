import assert from 'node:assert/strict'
import { trustedWebSeeds, type PinnedPortal } from '../../src/portal-client/index.ts'

const portal = (origin: string, hosts: readonly string[]): PinnedPortal => ({
  origin,
  portalKey: { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: 'k', x: 'x', purpose: 'portal' },
  document: { portal: origin, hosts: [...hosts], keys: [], issuedAt: '2026-01-01T00:00:00Z' },
  pinnedAt: '2026-01-01T00:00:00Z',
})

describe('the web seeds of a link or a .torrent', () => {
  const trusting = (...portals: PinnedPortal[]) => ({ all: () => Promise.resolve(portals) })

  it('are asked when a trusted portal answers for their host, and may redirect among its hosts', async () => {
    const trust = trusting(
      portal('https://a.example', ['cdn.example', 'b.example:8443']),
      portal('http://c.example:8080', []),
    )
    const urls = [
      'https://a.example/w/g/',
      'https://cdn.example/w/g/',
      'http://c.example:8080/w/g/',
      'https://b.example:8443/w/g/',
    ]
    const seeds = await trustedWebSeeds(urls, trust)
    assert.deepEqual(
      seeds.map(({ url }) => url),
      urls,
    )
    const hosts = ['a.example:443', 'cdn.example:80', 'cdn.example:443', 'b.example:8443']
    assert.deepEqual(
      seeds.map((seed) => [...seed.hosts]),
      [hosts, hosts, ['c.example:8080'], hosts],
    )
  })

  it('are passed over when none does', async () => {
    const trust = trusting(portal('https://a.example', ['b.example:8443']))
    const strangers = [
      'https://evil.example/w/g/',
      'http://a.example/w/g/',
      'https://a.example:444/',
      'https://b.example/',
      'http://10.0.0.1/',
      'https://a.example.evil.example/',
    ]
    assert.deepEqual(await trustedWebSeeds(strangers, trust), [])
    assert.deepEqual(await trustedWebSeeds(['https://a.example/'], trusting()), [])
  })
})
