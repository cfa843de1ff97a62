import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { systemClock, type Clock } from '../../src/platform/clock.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { startTracker, trackerSettings } from '../../src/tracker/index.ts'
import { TestPortal } from './support.ts'
import { Browser, openDeaf } from './websocket-support.ts'

/** Promise 20. */
const SOCKETS = 1_000
const DEAF = 20

describe('A tracker with 1,000 WebSockets', function () {
  this.timeout(60_000)

  it('stops: says goodbye to those who listen, cuts the others, and closes its port', async () => {
    const portal = await TestPortal.open()
    const { token } = await portal.grant()
    const clock: Clock = { ...systemClock, epoch: () => portal.clock.epoch() }
    const sites = new SiteMap([])
    const settings = { socketsPerAddressMax: '1000', peersPerAddressMax: '1000' }
    const tracker = await startTracker(
      { clock, control: portal.control, random: seededRandom(3), log: silentLogger, sites: () => sites },
      { listen: { host: '127.0.0.1', port: 0 }, settings: readConfig(trackerSettings, settings) },
    )
    const browsers: Browser[] = []
    while (browsers.length < SOCKETS - DEAF) {
      const localAddress = `127.1.0.${1 + (browsers.length % 4)}`
      const more = Array.from({ length: 20 }, () => Browser.open(tracker.port, token, { localAddress }))
      browsers.push(...(await Promise.all(more)))
    }
    const deaf = await Promise.all(Array.from({ length: DEAF }, () => openDeaf(tracker.port, token)))
    await Promise.all(browsers.map((one) => one.join()))
    assert.deepEqual([tracker.stats().sockets, tracker.stats().browserPeers], [SOCKETS, SOCKETS - DEAF])
    await tracker[Symbol.asyncDispose]()
    const codes = await Promise.all(browsers.map((one) => one.closed()))
    assert.deepEqual([...new Set(codes)], [1_001])
    assert.deepEqual([tracker.stats().sockets, tracker.stats().browserPeers], [0, 0])
    await assert.rejects(Browser.open(tracker.port, token), /ECONNREFUSED/)
    for (const socket of deaf) socket.destroy()
  })
})
