import assert from 'node:assert/strict'
import { grantId, infoHash, releaseName, slug, type InfoHash } from '../../src/core/ids.ts'
import { minutes, seconds } from '../../src/core/units.ts'
import type { Serve } from '../../src/gateway/messages.ts'
import { WatchedReleases } from '../../src/gateway/watched-releases.ts'
import { mutedLogger } from '../../src/platform/muted-log.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import type { Watched } from '../../src/wire/api-watch.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'

const [FILM, TALK] = [infoHash('aa'.repeat(20)), infoHash('bb'.repeat(20))]

const watchedOf = (infohash: InfoHash): Watched => ({
  infohash,
  bundle: slug('film'),
  release: releaseName('1'),
  viewers: 1,
  lastAt: '2026-11-26T19:00:00Z',
})

describe('what the gateway serves', () => {
  let clock: ManualClock
  let releases: WatchedReleases
  let items: InfoHash[]
  let isAway: boolean
  let served: Serve[]
  let dropped: InfoHash[]
  let renewed: string[][]
  let links: number
  let peers: number
  let isHere: boolean
  let hasLinks: boolean

  beforeEach(() => {
    clock = new ManualClock()
    items = []
    isAway = false
    served = []
    dropped = []
    renewed = []
    links = 0
    peers = 0
    isHere = true
    hasLinks = true
    const away = (): ShoalError => new ShoalError('unavailable', 'the portal does not answer')
    const url = (n: number): string => `http://tracker.example/announce?g=${n}`
    const until = (): string => new Date(clock.epoch() + 3_600_000).toISOString()
    releases = new WatchedReleases({
      clock,
      random: () => 0.5,
      log: mutedLogger,
      localTracker: 'http://127.0.0.1:8080',
      portal: {
        watching: () => (isAway ? Promise.reject(away()) : Promise.resolve({ items: items.map(watchedOf) })),
        createLink: () => {
          if (!hasLinks) return Promise.reject(away())
          links++
          const magnet = `magnet:?xt=urn:btih:${FILM}&tr=${encodeURIComponent(url(links))}`
          const grant = { id: newGrantId(clock.epoch()), expiresAt: until() }
          return Promise.resolve({ magnet, torrentUrl: magnet, playUrl: magnet, infohash: FILM, grant })
        },
        renewGrant: (id) =>
          Promise.resolve({
            grant: { id: grantId(id), expiresAt: until(), token: 't' },
            announceUrl: url(100),
          }),
      },
      contentOf: () =>
        Promise.resolve(isHere ? { info: new Uint8Array(1), folder: '/x', from: 'files' } : undefined),
      serve: (release) => served.push(release),
      renew: (_hash, urls) => renewed.push(urls),
      drop: (hash) => dropped.push(hash),
      peersOf: () => peers,
    })
    releases.start()
  })
  afterEach(() => releases[Symbol.asyncDispose]())

  const pass = async (times: number, wait = seconds(2)): Promise<void> => {
    for (let n = 0; n < times; n++) {
      clock.advance(wait)
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('is what somebody watches, each once, with a grant of its own and both ways to the tracker', async () => {
    items = [FILM, TALK]
    await pass(5)
    assert.deepEqual(
      served.map(({ infohash }) => infohash),
      [FILM, TALK],
    )
    assert.equal(links, 2)
    assert.deepEqual(served[0]?.announceUrls, [
      'http://tracker.example/announce?g=1',
      'http://127.0.0.1:8080/announce?g=1',
    ])
  })

  it('is dropped when nobody watches it, but not while a page is still connected', async () => {
    items = [FILM]
    await pass(2)
    items = []
    peers = 1
    await pass(2)
    assert.deepEqual(dropped, [])
    peers = 0
    await pass(2)
    assert.deepEqual(dropped, [FILM])
  })

  it('is never more than may be told of: beyond, the longest unwatched goes, connected or not', async () => {
    const hashes = Array.from({ length: limits.watchedReleasesMax + 2 }, (_, n) =>
      infoHash(n.toString(16).padStart(40, '0')),
    )
    const [a, b, c] = hashes
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    peers = 1
    items = hashes.slice(0, limits.watchedReleasesMax)
    await pass(limits.watchedReleasesMax)
    assert.equal(releases.count, limits.watchedReleasesMax)
    items = [a, c]
    await pass(1)
    items = hashes.slice(3)
    await pass(3)
    assert.deepEqual(dropped, [b, a]) // `a` was watched after it, and `c` need not go
    assert.equal(releases.count, limits.watchedReleasesMax)
    assert.equal(served.length, hashes.length)
  })

  it('gives back what was kept for it when it gets no grant', async () => {
    items = [FILM]
    hasLinks = false
    await pass(3)
    assert.deepEqual(dropped, [FILM])
    assert.equal(served.length, 0)
  })

  it('stays as it is while the portal does not answer', async () => {
    items = [FILM]
    await pass(2)
    isAway = true
    await pass(20, seconds(5))
    assert.deepEqual(dropped, [])
    assert.equal(served.length, 1)
  })

  it('has its grant renewed before it ends', async () => {
    items = [FILM]
    await pass(2)
    await pass(8, minutes(10))
    assert.ok(renewed.length >= 1)
    assert.equal(renewed[0]?.[0], 'http://tracker.example/announce?g=100')
  })

  it('is looked for again after a minute, when it is not here, or could not be served', async () => {
    items = [FILM]
    isHere = false
    await pass(10)
    isHere = true
    assert.equal(served.length, 0)
    await pass(30)
    assert.equal(served.length, 1)
    releases.putAside(FILM)
    assert.deepEqual(dropped, [FILM])
    await pass(10)
    assert.equal(served.length, 1)
    await pass(30)
    assert.equal(served.length, 2)
    assert.equal(links, 2) // with another grant
  })
})
