/** The tracker's UDP port, with real datagrams on loopback. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { Metrics } from '../../src/platform/metrics.ts'
import { addUdpMetrics, startTracker, trackerSettings, type RunningTracker } from '../../src/tracker/index.ts'
import { announceUrl } from '../../src/wire/announce.ts'
import type { UdpReply } from '../../src/wire/udp-tracker-reply.ts'
import { hostileInputs } from '../support/corpus.ts'
import { needs } from '../support/needs.ts'
import { announceRequest, OTHER_SWARM, SWARM, TestPortal } from './support.ts'
import { UdpAsker } from './udp-support.ts'

const SITES = new SiteMap([])
/** What is hostile has many a bad grant. */
const PATIENT = readConfig(trackerSettings, { grantFailuresPerMinuteMax: '10000' })

function start(portal: TestPortal, host = '127.0.0.1', udpPort = 0): Promise<RunningTracker> {
  const { clock, control } = portal
  return startTracker(
    { clock, control, random: seededRandom(3), log: silentLogger, sites: () => SITES },
    { listen: { host, port: 0 }, udpPort, settings: PATIENT },
  )
}

const portOf = (tracker: RunningTracker): number => tracker.udp?.port ?? 0
const hostsOf = (reply: UdpReply): string[] => {
  assert.ok(reply.kind === 'announce', JSON.stringify(reply))
  return reply.reply.peers.map((peer) => peer.host).toSorted()
}

describe('The tracker over UDP', () => {
  let portal: TestPortal
  let stack: AsyncDisposableStack
  let tracker: RunningTracker
  const asker = async (host: string): Promise<UdpAsker> =>
    stack.use(await UdpAsker.open(host, portOf(tracker), '127.0.0.1'))
  const grantOf = async (swarm = SWARM): Promise<string> => (await portal.grant(swarm)).token

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    portal = await TestPortal.open()
    tracker = stack.use(await start(portal))
  })
  afterEach(() => stack.disposeAsync())

  it('introduces two holders of grants to each other, at the addresses of their datagrams', async () => {
    const [alice, bob] = [await asker('127.1.0.1'), await asker('127.2.0.2')]
    assert.deepEqual(hostsOf(await alice.announce({ grant: await grantOf() })), [])
    assert.deepEqual(hostsOf(await bob.announce({ grant: await grantOf() })), ['127.1.0.1'])
    const scraped = await bob.scrape(SWARM)
    assert.ok(scraped.kind === 'scrape')
    assert.deepEqual(scraped.counts, [{ complete: 0, incomplete: 2, downloaded: 0 }])
  })

  it('knows who announced over HTTP', async () => {
    const request = announceRequest({ grant: await grantOf() })
    await fetch(announceUrl(`http://127.0.0.1:${tracker.port}/announce`, request))
    const alice = await asker('127.1.0.1')
    assert.deepEqual(hostsOf(await alice.announce({ grant: await grantOf() })), ['127.0.0.1'])
  })

  it('refuses with the reason', async () => {
    const alice = await asker('127.1.0.1')
    const reply = await alice.announce({ grant: await grantOf(OTHER_SWARM) })
    assert.ok(reply.kind === 'error')
    assert.equal(reply.reason, 'this grant is for another release')
  })

  it('says what is wrong with its port, and gives it back when it stops', async () => {
    const port = portOf(tracker)
    await assert.rejects(start(portal, '127.0.0.1', port), { code: 'conflict', message: /--udp-port/ })
    await tracker[Symbol.asyncDispose]()
    const next = stack.use(await start(portal, '127.0.0.1', port))
    assert.equal(portOf(next), port)
  })

  it('is there only where it was asked for', async () => {
    const { clock, control } = portal
    const without = await startTracker(
      { clock, control, random: seededRandom(3), log: silentLogger, sites: () => SITES },
      { listen: { host: '127.0.0.1', port: 0 }, settings: PATIENT },
    )
    stack.use(without)
    assert.equal(without.udp, undefined)
    assert.equal(PATIENT.udpPort, undefined)
  })

  it('shows its counts as metrics', async () => {
    const alice = await asker('127.1.0.1')
    await alice.connect()
    await alice.raw(Buffer.alloc(3))
    const metrics = new Metrics()
    const { udp } = tracker
    assert.ok(udp !== undefined)
    addUdpMetrics(metrics, () => udp.stats())
    const { body } = await metrics.render()
    assert.match(body, /^shoal_tracker_udp_connects 2$/m)
    assert.match(body, /^shoal_tracker_udp_ignored 1$/m)
    assert.match(body, /^shoal_tracker_udp_unsent 0$/m)
  })

  it('answers IPv6 in kind, on the same port of every address', async function () {
    needs(this, 'ipv6')
    const both = stack.use(await start(portal, '0.0.0.0'))
    const [six, four] = [
      stack.use(await UdpAsker.open('::1', portOf(both))),
      stack.use(await UdpAsker.open('127.0.0.1', portOf(both))),
    ]
    const [grant, second] = [await grantOf(), await grantOf()]
    await six.announce({ grant })
    await four.announce({ grant })
    const other = stack.use(await UdpAsker.open('::1', portOf(both)))
    assert.deepEqual(hostsOf(await other.announce({ grant: second })), ['::1'])
    assert.equal(both.stats().peers, 3)
  })
})

describe('Hostile datagrams to the tracker', () => {
  const inputs = hostileInputs('udp-tracker')
  const stack = new AsyncDisposableStack()
  let portal: TestPortal
  let tracker: RunningTracker
  let attacker: UdpAsker
  let honest: UdpAsker

  before(async () => {
    portal = await TestPortal.open()
    tracker = stack.use(await start(portal))
    attacker = stack.use(await UdpAsker.open('127.66.0.1', portOf(tracker), '127.0.0.1'))
    honest = stack.use(await UdpAsker.open('127.0.0.2', portOf(tracker), '127.0.0.1'))
  })
  after(() => stack.disposeAsync())

  it('are there to be replayed', () => {
    assert.ok(inputs.length >= 60)
  })

  for (const { name, bytes } of inputs) {
    it(`get one short answer at most, and harm nobody else: ${name}`, async () => {
      const unproved = await attacker.raw(bytes)
      assert.ok(unproved.reduce((sum, answer) => sum + answer.length, 0) <= bytes.length)
      const proved = Uint8Array.from(bytes)
      if (bytes.length >= 16) proved.set(await attacker.connect(), 0)
      const answers = await attacker.raw(proved)
      assert.ok(answers.length <= 1)
      for (const answer of answers) assert.ok(answer.length < 200)
      const { token } = await portal.grant(OTHER_SWARM)
      const reply = await honest.announce({ grant: token, infoHash: OTHER_SWARM })
      assert.equal(reply.kind, 'announce')
    })
  }
})
