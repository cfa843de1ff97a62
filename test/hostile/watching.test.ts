/** A page that plays in Chromium, among colleagues who mean harm: it plays on, and has nothing more to do with them. */
import assert from 'node:assert/strict'
import { WatchWorld, type Viewer } from '../e2e/watch-world.ts'
import { CHROMIUM } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { eventsOf, untilEvent } from '../support/processes-shoal.ts'
import { type Child, until } from '../support/processes.ts'

const head = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0']
const dtls = ['a=ice-ufrag:abcd', `a=ice-pwd:${'p'.repeat(24)}`, 'a=setup:actpass', 'a=mid:0']
const print = `a=fingerprint:sha-256 ${Array<string>(32).fill('AB').join(':')}`
const data = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel'
const sdp = (...lines: readonly string[]): string => [...head, ...lines, ''].join('\r\n')
/** All of them pass the tracker. */
const NONSENSE: readonly string[] = [
  'v=0\r\n',
  sdp(),
  sdp(data),
  sdp(data, 'c=IN IP4 0.0.0.0', ...dtls),
  sdp(data, 'c=IN IP4 0.0.0.0', ...dtls, 'a=fingerprint:md2 00'),
  sdp(data, 'c=IN IP4 0.0.0.0', ...dtls, print, 'a=sctp-port:99999999999'),
  sdp(data, 'c=IN IP4 0.0.0.0', ...dtls, print, 'a=candidate:1 1 udp 99999999999 127.0.0.1 9 typ host'),
  sdp(data, 'c=IN IP4 0.0.0.0', ...dtls, print, 'a=sctp-port:5000', 'a=max-message-size:0'),
  sdp('m=audio 9 UDP/TLS/RTP/SAVPF 0', 'c=IN IP4 0.0.0.0', ...dtls, print, 'a=rtcp-mux', 'a=sendrecv', 'a=rtpmap:0 PCMU/8000'), // prettier-ignore
  sdp(...Array<string>(100).fill('m=video 9 UDP/TLS/RTP/SAVPF 96')),
  sdp(`a=${'x'.repeat(7_000)}`),
]

describe('A page that plays, among hostile colleagues', function () {
  this.timeout(120_000)
  let world: WatchWorld
  let ann: Viewer

  before(async function () {
    needs(this, CHROMIUM, 'ffmpeg')
    world = await WatchWorld.start()
    ann = await world.arrive('ann')
    await ann.page.addInitScript('addEventListener("unhandledrejection", ({ reason }) => console.error("unhandled", String(reason)))') // prettier-ignore
    await ann.clickWatch()
  })
  after(async () => {
    await (world as WatchWorld | undefined)?.[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    await ann.untilPlays()
    assert.deepEqual(ann.troubles, [])
  })

  const ended = (child: Child): Promise<true> =>
    until(
      'the end of a connection to a page',
      () => eventsOf(child).some((event) => event.event === 'closed' && event['isMet'] === true) || undefined,
      AbortSignal.timeout(30_000),
    )

  for (const does of ['garbage', 'text'] as const)
    it(`hangs up on one that sends ${does}`, async () => {
      await using hostile = await world.hostile({ does })
      await untilEvent(hostile, 'open', AbortSignal.timeout(30_000))
      await ended(hostile)
      await ann.seek(5)
    })

  for (const prefix of ['-SW0100-', '-SG0100-'])
    it(`bans one that sends noise, by the name ${prefix}`, async () => {
      await ann.reload() // it has all of the film by now
      await using hostile = await world.hostile({ does: 'lie', prefix })
      await untilEvent(hostile, 'lied', AbortSignal.timeout(30_000))
      await ended(hostile)
      const lies = (): number => eventsOf(hostile).filter(({ event }) => event === 'lied').length
      const before = lies()
      const offered = eventsOf(hostile).length
      await until('it to try again', () => eventsOf(hostile).slice(offered).filter(({ event }) => event === 'offered').length >= 3 || undefined, AbortSignal.timeout(20_000)) // prettier-ignore
      assert.equal(lies(), before, 'it is let in again')
      await ann.seek(50)
    })

  it('makes nothing of offers that are nonsense', async () => {
    await using hostile = await world.hostile({ does: 'sdp', offers: NONSENSE })
    await until(
      'all to be offered',
      () => eventsOf(hostile).some((event) => Number(event['made']) >= 2 * NONSENSE.length) || undefined,
      AbortSignal.timeout(30_000),
    )
    await ann.seek(20)
    await ann.seek(45)
  })
})
