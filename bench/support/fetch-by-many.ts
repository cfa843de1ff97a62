/** Many peers that fetch the same from the same origin at the same time, each from a loopback address of its own. */
import { ipAddress } from '../../src/core/address.ts'
import { peerId } from '../../src/core/ids.ts'
import { tcpNetwork } from '../../src/swarm/index.ts'
import type { LoopbackPeer } from './announce-from.ts'
import { FetchingPeer } from './fetching-peer.ts'
import type { ManySeed } from './many-seeds.ts'

export interface ManyOptions {
  readonly peers: number
  /** The first so many of these ask and never read. */
  readonly stuck: number
  /** Ranges of 256 addresses, each a site, that they are spread over. */
  readonly sites: number
  readonly random: () => number
  readonly giveUpSeconds: number
}

/** Seconds from the common start, of each peer that reads. */
export interface ManyFetched {
  readonly firstByte: readonly number[]
  readonly done: readonly number[]
  /** How many of those that read did not get everything. */
  readonly unserved: number
}

/** What stock clients come to on a fast line: 64 blocks are a megabyte. */
const REQUESTS_MAX = 64
const LISTENS_AT = 6_881
const ADMITTED_AT_ONCE = 20

export function manyPeers(count: number, sites: number): readonly LoopbackPeer[] {
  return Array.from({ length: count }, (_, n) => ({
    from: ipAddress(`127.9.${n % sites}.${1 + Math.floor(n / sites)}`),
    id: peerId((n + 1).toString(16).padStart(40, '0')),
    port: LISTENS_AT,
  }))
}

export async function fetchByMany(seed: ManySeed, options: ManyOptions): Promise<ManyFetched> {
  const peers = manyPeers(options.peers, options.sites)
  for (let i = 0; i < peers.length; i += ADMITTED_AT_ONCE)
    await Promise.all(peers.slice(i, i + ADMITTED_AT_ONCE).map((peer) => seed.admit(peer)))
  const parts = { network: tcpNetwork(), random: options.random, now: () => performance.now() }
  const signal = AbortSignal.timeout(1_000 * options.giveUpSeconds)
  const startedAt = performance.now()
  const dialled = await Promise.all(
    peers.map(async ({ from, id }, n) => {
      const isStuck = n < options.stuck
      const each = { torrent: seed.torrent, to: seed.endpoint, from, id, requestsMax: REQUESTS_MAX, isStuck }
      return { isStuck, peer: await FetchingPeer.dial(parts, each, signal) }
    }),
  )
  signal.addEventListener('abort', () => dialled.forEach(({ peer }) => peer.hangUp()))
  const reading = dialled.filter(({ isStuck }) => !isStuck).map(({ peer }) => peer)
  const ends = await Promise.allSettled(reading.map((peer) => peer.done))
  const reasons = new Set(ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : [])))
  for (const reason of reasons) process.stderr.write(`a peer did not get everything: ${reason}\n`)
  for (const { peer } of dialled) peer.hangUp()
  const secondsOf = (at: number | undefined): number[] => (at === undefined ? [] : [(at - startedAt) / 1_000])
  const done = reading.flatMap(({ times }) => secondsOf(times.doneAt))
  return {
    firstByte: reading.flatMap(({ times }) => secondsOf(times.firstByteAt)),
    done,
    unserved: reading.length - done.length,
  }
}
