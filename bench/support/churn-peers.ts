/**
 * Simulated peers of a day, compressed: each comes with `started`, announces again, may complete, and leaves with
 * `stopped` or without a word; then another takes its place. Each announce is over a connection of its own from the
 * peer's own loopback address, as stock clients do it.
 */
import { peerId, type InfoHash } from '../../src/core/ids.ts'
import { announceUrl, type AnnounceEvent } from '../../src/wire/announce.ts'
import { getFrom } from './get-from.ts'
import { oneOf } from './words.ts'

export interface Swarm {
  readonly infoHash: InfoHash
  /** Another one of this swarm with each call, in turn. */
  readonly takeGrant: () => string
}

export interface ChurnOptions {
  readonly port: number
  readonly peers: number
  /** How long a peer waits between two announces. */
  readonly intervalMs: number
  readonly concurrency: number
}

export interface ChurnCounts {
  announces: number
  arrived: number
  completed: number
  stopped: number
  vanished: number
  refused: number
}

interface Peer {
  readonly number: number
  readonly swarm: Swarm
  readonly grant: string
  leftBytes: number
  announces: number
  dueAt: number
}

/** Chances at each announce after the first. */
const CHANCE = { completes: 0.15, stops: 0.12, vanishes: 0.06 }
const SIZE_BYTES = 1_000_000
const MACHINES = 6_000

export class Churn {
  readonly counts: ChurnCounts = {
    announces: 0,
    arrived: 0,
    completed: 0,
    stopped: 0,
    vanished: 0,
    refused: 0,
  }
  readonly #swarms: readonly Swarm[]
  readonly #options: ChurnOptions
  readonly #random: () => number
  /** In the order in which they are due. */
  readonly #queue: Peer[] = []

  constructor(swarms: readonly Swarm[], options: ChurnOptions, random: () => number) {
    this.#swarms = swarms
    this.#options = options
    this.#random = random
  }

  /** Until `untilMs` of `performance.now()`. @throws Error when the tracker does not answer. */
  async run(untilMs: number): Promise<void> {
    const { peers, intervalMs, concurrency } = this.#options
    const start = performance.now()
    for (let i = 0; i < peers; i++) this.#queue.push(this.#arrive(start + (i / peers) * intervalMs))
    const worker = async (): Promise<void> => {
      for (;;) {
        const peer = this.#queue.shift()
        if (peer === undefined) return
        const now = performance.now()
        if (Math.max(now, peer.dueAt) >= untilMs) return
        if (peer.dueAt > now) await new Promise((resolve) => setTimeout(resolve, peer.dueAt - now))
        this.#queue.push(await this.#turn(peer))
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
  }

  #arrive(dueAt: number): Peer {
    const swarm = oneOf(this.#swarms, this.#random)
    const number = this.counts.arrived++
    return { number, swarm, grant: swarm.takeGrant(), leftBytes: SIZE_BYTES, announces: 0, dueAt }
  }

  /** What the peer does now; the peer whose turn comes an interval later. */
  async #turn(peer: Peer): Promise<Peer> {
    const next = peer.dueAt + this.#options.intervalMs
    const chance = this.#random()
    if (peer.announces === 0) {
      await this.#announce(peer, 'started')
    } else if (chance < CHANCE.vanishes) {
      this.counts.vanished++
      return this.#arrive(next)
    } else if (chance < CHANCE.vanishes + CHANCE.stops) {
      await this.#announce(peer, 'stopped')
      this.counts.stopped++
      return this.#arrive(next)
    } else if (peer.leftBytes > 0 && chance > 1 - CHANCE.completes) {
      peer.leftBytes = 0
      this.counts.completed++
      await this.#announce(peer, 'completed')
    } else {
      await this.#announce(peer, undefined)
    }
    peer.dueAt = next
    return peer
  }

  async #announce(peer: Peer, event: AnnounceEvent | undefined): Promise<void> {
    const n = peer.number
    peer.announces++
    this.counts.announces++
    const url = announceUrl('/announce', {
      infoHash: peer.swarm.infoHash,
      peerId: peerId(n.toString(16).padStart(40, '0')),
      port: 10_000 + (n % 50_000),
      uploadedBytes: 0,
      downloadedBytes: SIZE_BYTES - peer.leftBytes,
      leftBytes: peer.leftBytes,
      compact: true,
      isOurs: n % 2 === 0,
      grant: peer.grant,
      ...(event === undefined ? {} : { event }),
    })
    // the same machines come again and again, as in a company
    const machine = n % MACHINES
    const host = `127.1.${Math.floor(machine / 250)}.${1 + (machine % 250)}`
    const reply = await getFrom(this.#options.port, host, url)
    if (!reply.includes('8:interval')) {
      this.counts.refused++
      if (this.counts.refused === 1) process.stderr.write(`refused: ${reply.slice(-300)}\n`)
    }
  }
}
