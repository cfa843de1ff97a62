import assert from 'node:assert/strict'
import { ShoalError } from '../../src/core/errors.ts'
import { releaseName, slug } from '../../src/core/ids.ts'
import { minutes, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { LinkUrls } from '../../src/seeder/link-urls.ts'
import { encodeTorrent } from '../../src/wire/torrent.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'
import { MemoryPortal } from './support/memory-portal.ts'

describe('announce URLs from a link', () => {
  const signal = new AbortController().signal

  async function scene() {
    const portal = new MemoryPortal()
    const bundle = slug('film')
    await portal.createBundle({ title: 'film' })
    const { infoBytes } = makeTorrent(1_000).torrent
    await portal.addRelease(bundle, encodeTorrent({ infoBytes, announce: [] }), {})
    let links = 0
    const createLink: MemoryPortal['createLink'] = async (...args) => {
      links++
      return portal.createLink(...args)
    }
    const clock = new ManualClock()
    const parts = { clock, log: silentLogger, portal: { createLink } }
    const place = { bundle, release: releaseName('1') }
    return { portal, clock, parts, place, links: () => links }
  }

  it('are replaced when the tracker refuses, but once a minute at most', async () => {
    const { clock, parts, place, links } = await scene()
    const urls = await LinkUrls.open(parts, place, signal)
    assert.ok(urls.current()[0]?.[0]?.startsWith('http'))
    let announced = 0
    for (let i = 0; i < 100; i++) await urls.refused(() => announced++)
    assert.equal(links(), 1)
    clock.advance(minutes(1))
    for (let i = 0; i < 100; i++) await urls.refused(() => announced++)
    assert.deepEqual([links(), announced], [2, 1])
  })

  it('stay as they are while the portal does not answer', async () => {
    const { portal, clock, parts, place } = await scene()
    const urls = await LinkUrls.open(parts, place, signal)
    const before = urls.current()
    portal.failure = new ShoalError('unavailable', 'gone')
    clock.advance(seconds(61))
    await urls.refused(() => assert.fail('there is no fresh link'))
    assert.deepEqual(urls.current(), before)
  })
})
