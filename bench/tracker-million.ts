/**
 * What does the tracker hold, and how fast does it answer, with a million peers in 50,000 swarms?
 *
 *     node bench/tracker-million.ts [--peers 1000000] [--swarms 50000] [--rate 2000] [--seconds 60]
 *
 * Every peer has a grant and an address of its own (named by X-Forwarded-For from a trusted proxy, which this
 * process plays), a swarm's peers are at five sites. After all have announced, peers by chance announce again, so many a
 * second whatever the answers do, for so long; the tracker remembers 50,000 grants as verified, so nearly each of
 * these is verified anew. Prints one JSON line: resident memory, and the time from sending to the whole answer, of
 * which this process's own waiting for a CPU is a part. Goals: 400 MB, p99 20 ms.
 */
import { parseArgs } from 'node:util'
import { infoHash, peerId } from '../src/core/ids.ts'
import { addMillis, hours } from '../src/core/units.ts'
import { systemClock } from '../src/platform/clock.ts'
import { announceUrl } from '../src/wire/announce.ts'
import { newGrantId, signGrant } from '../src/wire/grant.ts'
import { generateSigningKey, type SigningKey } from '../src/wire/signing-key.ts'
import { quantile } from './support/http-load.ts'
import { Asker } from './tracker/asker.ts'
import { startShoal } from './tracker/servers.ts'

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '1000000' },
    swarms: { type: 'string', default: '50000' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
  },
})
const PEERS = Number(values.peers)
const SWARMS = Number(values.swarms)
const CONNECTIONS = 16
const MB = 1e6

/** One grant a peer, the bytes of all in one array: as strings they would be a load on this process's collector. */
async function requestOf(i: number, key: SigningKey): Promise<string> {
  const swarm = infoHash((1 + (i % SWARMS)).toString(16).padStart(40, '0'))
  const now = systemClock.epoch()
  const claims = { infoHash: swarm, id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }
  const ofSwarm = Math.floor(i / SWARMS)
  // five sites a swarm (a site is a /24), other ones for each 200 swarms
  const host = `10.${i % 200}.${ofSwarm % 5}.${1 + (ofSwarm % 250)}`
  const target = announceUrl('/announce', {
    infoHash: swarm,
    peerId: peerId(i.toString(16).padStart(40, '0')),
    port: 2_000 + (Math.floor(i / 200) % 60_000),
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: i % 3 === 0 ? 0 : 1_000,
    numWant: 50,
    compact: true,
    isOurs: false,
    grant: await signGrant(claims, key),
  })
  return `GET ${target} HTTP/1.1\r\nHost: t\r\nConnection: keep-alive\r\nX-Forwarded-For: ${host}\r\n\r\n`
}

const { key, privateJwk } = await generateSigningKey('grant')
const settings = { peersMax: String(Math.ceil(1.1 * PEERS)), trustedProxies: '127.0.0.1/32' }
// So that the launcher's cache of compiled code is full, as it is from the second start on.
await (await startShoal({ privateJwk }))[Symbol.asyncDispose]()
await using tracker = await startShoal({ privateJwk, settings })
const askers = await Promise.all(Array.from({ length: CONNECTIONS }, () => Asker.connect(tracker.port)))
const emptyBytes = tracker.residentBytes
const requests: Buffer[] = []

const cpuBefore = tracker.cpuSeconds
let next = 0
await Promise.all(
  askers.map(async (asker) => {
    for (let i = next++; i < PEERS; i = next++) {
      const request = Buffer.from(await requestOf(i, key), 'latin1')
      requests[i] = request
      await asker.ask(request)
    }
  }),
)
const fillCpuSeconds = tracker.cpuSeconds - cpuBefore
const filledBytes = tracker.residentBytes

const times: number[] = []
const waits: Promise<void>[] = []
const rate = Number(values.rate)
const began = performance.now()
const until = began + 1_000 * Number(values.seconds)
const cpuFilled = tracker.cpuSeconds
for (let sent = 0; performance.now() < until;) {
  const due = Math.floor(((performance.now() - began) * rate) / 1_000)
  for (; sent < due; sent++) {
    const request = requests[Math.floor(Math.random() * PEERS)]
    const asker = askers[sent % CONNECTIONS]
    if (request === undefined || asker === undefined) throw new RangeError('no such peer')
    const at = performance.now()
    waits.push(asker.ask(request).then(() => void times.push(performance.now() - at)))
  }
  await new Promise((resolve) => setTimeout(resolve, 2))
}
await Promise.all(waits)
for (const asker of askers) asker.close()

const round = (value: number): number => Math.round(10 * value) / 10
const line = {
  bench: 'tracker-million',
  peers: PEERS,
  swarms: SWARMS,
  emptyMB: round(emptyBytes / MB),
  filledMB: round(filledBytes / MB),
  afterMB: round(tracker.residentBytes / MB),
  peakMB: round(tracker.peakBytes / MB),
  fillCpuSeconds: round(fillCpuSeconds),
  announcesPerSecond: Math.round(times.length / Number(values.seconds)),
  cpuShare: round((100 * (tracker.cpuSeconds - cpuFilled)) / Number(values.seconds)),
  msP50: round(quantile(times, 0.5)),
  msP99: round(quantile(times, 0.99)),
  msMax: round(quantile(times, 1)),
}
process.stdout.write(`${JSON.stringify(line)}\n`)
