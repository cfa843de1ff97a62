/**
 * How long do honest announces wait while 10,000 half-open sockets and 10,000 idle WebSockets are held at the tracker,
 * what do these cost, and when are they gone once their machine is?
 *
 *     node bench/tracker-idle.ts [--half-open 10000] [--web-sockets 10000] [--rate 200] [--seconds 60]
 *
 * Where a process may not hold as many descriptors, as many as it may. Honest announces come over new connections and over kept ones in turn. Half-open
 * connections are opened anew as the tracker closes them. Then the process that holds all is stopped (SIGSTOP), so
 * that nothing answers any more, and descriptors of the tracker are counted until nearly all are free. Prints one JSON line.
 * Goals: p99 250 ms, 500 MB, all freed within 60 s.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { infoHash, peerId } from '../src/core/ids.ts'
import { addMillis, hours } from '../src/core/units.ts'
import { systemClock } from '../src/platform/clock.ts'
import { announceUrl } from '../src/wire/announce.ts'
import { newGrantId, signGrant } from '../src/wire/grant.ts'
import { generateSigningKey } from '../src/wire/signing-key.ts'
import { quantile } from './support/http-load.ts'
import { Asker } from './tracker/asker.ts'
import { startShoal } from './tracker/servers.ts'

const { values } = parseArgs({
  options: {
    'half-open': { type: 'string', default: '10000' },
    'web-sockets': { type: 'string', default: '10000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
  },
})
const HOLDER = new URL('tracker/holder.ts', import.meta.url).pathname
const SWARMS = 100
/** Of the tracker itself, and of honest askers. */
const OWN_DESCRIPTORS_MAX = 60

const [halfOpen, webSocketCount] = affordable(Number(values['half-open']), Number(values['web-sockets']))
const { key, privateJwk } = await generateSigningKey('grant')
const swarmOf = (i: number): ReturnType<typeof infoHash> =>
  infoHash((1 + (i % SWARMS)).toString(16).padStart(40, '0'))
const grantFor = (i: number): Promise<string> => {
  const now = systemClock.epoch()
  return signGrant({ infoHash: swarmOf(i), id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }, key)
}

await using tracker = await startShoal({
  privateJwk,
  settings: { socketsPerAddressMax: '10000', trustedProxies: '127.0.0.1/32' },
})
const emptyBytes = tracker.residentBytes
const holder = spawn(process.execPath, [HOLDER], { stdio: ['pipe', 'pipe', 'inherit'] })
try {
  const webSockets: (readonly [string, string])[] = []
  for (let i = 0; i < webSocketCount; i++) webSockets.push([await grantFor(i), swarmOf(i)])
  holder.stdin.end(JSON.stringify({ port: tracker.port, webSockets, halfOpen }))
  for await (const line of createInterface(holder.stdout)) if (line === 'ready') break

  const heldDescriptors = tracker.openDescriptors
  const times = await honest(Number(values.rate), Number(values.seconds))
  const peakBytes = tracker.peakBytes
  holder.kill('SIGSTOP')
  const stoppedAt = performance.now()
  while (tracker.openDescriptors > OWN_DESCRIPTORS_MAX && performance.now() - stoppedAt < 180_000)
    await new Promise((resolve) => setTimeout(resolve, 250))
  const freedSeconds = (performance.now() - stoppedAt) / 1_000
  const round = (value: number): number => Math.round(10 * value) / 10
  const line = {
    bench: 'tracker-idle',
    halfOpen,
    webSockets: webSockets.length,
    heldDescriptors,
    announces: times.length,
    msP50: round(quantile(times, 0.5)),
    msP99: round(quantile(times, 0.99)),
    msMax: round(quantile(times, 1)),
    emptyMB: round(emptyBytes / 1e6),
    peakMB: round(peakBytes / 1e6),
    freedSeconds: round(freedSeconds),
    leftDescriptors: tracker.openDescriptors,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  holder.kill('SIGKILL')
}

/** As asked, or in proportion as many as this machine lets a process hold: children have the limit of this one. */
function affordable(...wanted: readonly [number, number]): readonly [number, number] {
  const report = process.report.getReport() as unknown as {
    readonly userLimits: { readonly open_files: { readonly hard: number | string } }
  }
  const { hard } = report.userLimits.open_files
  const room = typeof hard === 'number' ? hard - OWN_DESCRIPTORS_MAX : Infinity
  const share = Math.min(1, room / (wanted[0] + wanted[1]))
  return [Math.floor(share * wanted[0]), Math.floor(share * wanted[1])]
}

/** How long each announce took, from opening its connection where it has a new one. */
async function honest(rate: number, seconds: number): Promise<readonly number[]> {
  const kept = await Asker.connect(tracker.port)
  const times: number[] = []
  const waits: Promise<unknown>[] = []
  const began = performance.now()
  for (let sent = 0; performance.now() - began < 1_000 * seconds;) {
    const due = Math.floor(((performance.now() - began) * rate) / 1_000)
    for (; sent < due; sent++)
      waits.push(announceOnce(sent, sent % 2 === 0 ? kept : undefined).then((ms) => times.push(ms)))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(waits)
  kept.close()
  return times
}

async function announceOnce(i: number, kept: Asker | undefined): Promise<number> {
  const target = announceUrl('/announce', {
    infoHash: swarmOf(i),
    peerId: peerId(i.toString(16).padStart(40, 'f')),
    port: 2_000 + (i % 50_000),
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: 1_000,
    numWant: 50,
    compact: true,
    isOurs: false,
    grant: await grantFor(i),
  })
  const host = `10.0.${(i >> 8) & 255}.${i & 255}`
  const style = kept === undefined ? 'close' : 'keep-alive'
  const request = `GET ${target} HTTP/1.1\r\nHost: t\r\nConnection: ${style}\r\nX-Forwarded-For: ${host}\r\n\r\n`
  const began = performance.now()
  const asker = kept ?? (await Asker.connect(tracker.port))
  await asker.ask(Buffer.from(request, 'latin1'))
  if (kept === undefined) asker.close()
  return performance.now() - began
}
