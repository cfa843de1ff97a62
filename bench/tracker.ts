/**
 * How many announces does the tracker answer in a CPU-second, every grant checked, and how many do opentracker and
 * bittorrent-tracker, which check nobody, on the same machine in the same run?
 *
 *     node bench/tracker.ts [--peers 1000] [--rounds 48] [--runs 3] [--only http|udp] [--profile DIR]
 *
 * Over HTTP and over UDP. Prints one JSON line, of each figure the median of the runs, in which the trackers take turns. CPU time is the
 * server process's own, user and system, from /proc; the load comes from this process. The peers are in 10 swarms
 * and announce in turn, each with a grant of its own that the tracker has not seen before; a round is an announce
 * of each. 48 rounds are what a grant of 24 hours sees from a stock client that announces every 30 minutes. Replies
 * hold 50 peers. opentracker closes every connection, so its one HTTP figure stands beside both of ours. Over UDP a
 * client connects once a minute, as libtorrent does: the connects are not counted, their CPU time is.
 */
import { parseArgs } from 'node:util'
import { infoHash, peerId } from '../src/core/ids.ts'
import { addMillis, hours } from '../src/core/units.ts'
import { systemClock } from '../src/platform/clock.ts'
import { announceUrl, type AnnounceRequest } from '../src/wire/announce.ts'
import { newGrantId, signGrant } from '../src/wire/grant.ts'
import { generateSigningKey, type SigningKey } from '../src/wire/signing-key.ts'
import { loadUdp } from './support/udp-load.ts'
import { loadHttp } from './tracker/http-load.ts'
import {
  startBittorrentTracker,
  startOpentracker,
  startShoal,
  type TrackerName,
  type TrackerProcess,
} from './tracker/servers.ts'

type Style = 'keep-alive' | 'close'

interface Size {
  readonly peers: number
  readonly rounds: number
  readonly runs: number
}

const SWARMS = Array.from({ length: 10 }, (_, i) => infoHash((i + 1).toString(16).padStart(40, '0')))
/** A tracker runs for months: compilers are done before the measured rounds, of whoever has one. */
const WARM = { peers: 1_000, rounds: 20 }

/** The announces of so many peers. */
async function requestsOf(key: SigningKey, peers: number): Promise<readonly AnnounceRequest[]> {
  const requests: AnnounceRequest[] = []
  for (let i = 0; i < peers; i++) {
    const swarm = SWARMS[i % SWARMS.length] ?? infoHash('')
    const now = systemClock.epoch()
    const claims = { infoHash: swarm, id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }
    requests.push({
      infoHash: swarm,
      peerId: peerId(i.toString(16).padStart(40, '0')),
      port: 10_000 + i,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: 1_000,
      numWant: 50,
      compact: true,
      isOurs: false,
      grant: await signGrant(claims, key),
    })
  }
  return requests
}

const textsOf = (requests: readonly AnnounceRequest[], style: Style): readonly string[] =>
  requests.map(
    (request) =>
      `GET ${announceUrl('/announce', request)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: ${style}\r\n\r\n`,
  )

/** Announces a CPU-second. */
async function measureHttp(
  server: TrackerProcess,
  style: Style,
  key: SigningKey,
  size: Size,
): Promise<number> {
  await loadHttp(server.port, textsOf(await requestsOf(key, WARM.peers), style), WARM.rounds)
  const texts = textsOf(await requestsOf(key, size.peers), style)
  const before = server.cpuSeconds
  await loadHttp(server.port, texts, size.rounds)
  return Math.round((size.peers * size.rounds) / (server.cpuSeconds - before))
}

/** Replies a CPU-second. */
async function measureUdp(server: TrackerProcess, key: SigningKey, size: Size): Promise<number> {
  await loadUdp(server.udpPort, await requestsOf(key, WARM.peers), WARM.rounds)
  const requests = await requestsOf(key, size.peers)
  const before = server.cpuSeconds
  const { replies, withPeers } = await loadUdp(server.udpPort, requests, size.rounds)
  if (withPeers < replies) throw new Error(`${replies - withPeers} answers of ${server.name} without peers`)
  return Math.round(replies / (server.cpuSeconds - before))
}

type Figures = Record<string, Partial<Record<TrackerName, number[]>>>

async function oneRun(
  size: Size,
  { profile, only }: { readonly profile?: string | undefined; readonly only?: string | undefined },
  figures: Figures,
): Promise<void> {
  const { key, privateJwk } = await generateSigningKey('grant')
  const nodeArguments = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  await using shoal = await startShoal({ privateJwk, nodeArguments })
  await using opentracker = await startOpentracker(SWARMS)
  await using bittorrentTracker = await startBittorrentTracker()
  const note = (what: string, server: TrackerProcess, figure: number): void => {
    const ofAll = (figures[what] ??= {})
    ;(ofAll[server.name] ??= []).push(figure)
  }
  const servers = [shoal, opentracker, bittorrentTracker]
  if (only !== 'http') for (const server of servers) note('udp', server, await measureUdp(server, key, size))
  if (only === 'udp') return
  for (const style of ['keep-alive', 'close'] as const) {
    for (const server of servers) {
      if (style === 'keep-alive' && server === opentracker) continue
      note(style, server, await measureHttp(server, style, key, size))
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

async function main(size: Size, options: Parameters<typeof oneRun>[1]): Promise<void> {
  const figures: Figures = {}
  for (let run = 0; run < size.runs; run++) await oneRun(size, options, figures)
  const of = (what: string, name: TrackerName): number => median(figures[what]?.[name] ?? [])
  const ratio = (a: number, b: number): number => Number((a / b).toFixed(2))
  const line = {
    bench: 'tracker',
    runs: size.runs,
    perCpuSecond: Object.fromEntries(
      Object.entries(figures).map(([what, byName]) => [
        what,
        Object.fromEntries(Object.entries(byName).map(([name, values]) => [name, median(values)])),
      ]),
    ),
    all: figures,
    ratio: {
      keepAliveToOpentracker: ratio(of('keep-alive', 'shoal'), of('close', 'opentracker')),
      closeToOpentracker: ratio(of('close', 'shoal'), of('close', 'opentracker')),
      closeToBittorrentTracker: ratio(of('close', 'shoal'), of('close', 'bittorrent-tracker')),
      udpToOpentracker: ratio(of('udp', 'shoal'), of('udp', 'opentracker')),
      udpToBittorrentTracker: ratio(of('udp', 'shoal'), of('udp', 'bittorrent-tracker')),
    },
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '48' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string' },
    profile: { type: 'string' },
  },
})
await main({ peers: Number(values.peers), rounds: Number(values.rounds), runs: Number(values.runs) }, values)
