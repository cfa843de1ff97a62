/**
 * Asks trackers who has a lease (`wire/lease.ts`): all addresses of one torrent that come within a moment in one
 * request, some torrents at a time. A question that is not answered in time, or that finds the queue full,
 * fails: its asker then goes by what it knew before.
 */
import type { IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { millis, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { leaseQuestionUrl, parseLeaseReply, type LeaseAnswer } from '../wire/lease.ts'
import { limits } from '../wire/limits.ts'
import type { FetchAnnounce } from './tracker-http.ts'

export interface LeaseAskerParts {
  readonly clock: Clock
  readonly fetch: FetchAnnounce
  readonly from: IpAddress | undefined
}

interface Waiting {
  readonly host: IpAddress
  readonly resolve: (lease: LeaseAnswer) => void
  readonly reject: (error: unknown) => void
}

/** Strangers who dial together are asked about together. */
const GATHER = millis(20)
/** A stranger is kept waiting for a little longer than this (`handshaker.ts`). */
const ANSWER_WITHIN = seconds(4)
const REQUESTS_MAX = 8
/** More than all strangers that an engine lets wait at a time, and all peers of some torrents. */
const WAITING_MAX = 4_000

export class LeaseAsker {
  readonly #parts: LeaseAskerParts
  /** By URL and torrent, in the order in which they came. */
  readonly #batches = new Map<string, { url: string; infoHash: InfoHash; waiting: Waiting[] }>()
  readonly #stopped = new AbortController()
  #waiting = 0
  #requests = 0
  #isGathering = false

  constructor(parts: LeaseAskerParts) {
    this.#parts = parts
  }

  /**
   * Undefined: the tracker knows no live peer there. `url` carries the grant to ask with.
   * @throws ShoalError `unavailable` when it does not answer, `not-granted` when it refuses the question.
   */
  ask(url: string, infoHash: InfoHash, host: IpAddress): Promise<LeaseAnswer> {
    if (this.#waiting >= WAITING_MAX)
      return Promise.reject(new ShoalError('over-limit', 'too many questions about leases at once'))
    const key = `${infoHash} ${url}`
    const batch = this.#batches.get(key) ?? { url, infoHash, waiting: [] }
    this.#batches.set(key, batch)
    this.#waiting++
    this.#gather()
    return new Promise((resolve, reject) => batch.waiting.push({ host, resolve, reject }))
  }

  /** Cuts what is under way: those who wait hear of a failure. */
  stop(): void {
    this.#stopped.abort(new ShoalError('interrupted', 'the engine is stopping'))
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.#parts.clock.after(GATHER, () => {
      this.#isGathering = false
      this.#next()
    })
  }

  #next(): void {
    for (const [key, batch] of this.#batches) {
      if (this.#requests >= REQUESTS_MAX) return
      const some = batch.waiting.splice(0, limits.leasePeersMax)
      if (batch.waiting.length === 0) this.#batches.delete(key)
      this.#requests++
      void this.#send(batch, some).finally(() => {
        this.#requests--
        this.#waiting -= some.length
        this.#next()
      })
    }
  }

  async #send(about: { url: string; infoHash: InfoHash }, some: readonly Waiting[]): Promise<void> {
    const peers = [...new Set(some.map(({ host }) => host))]
    const late = new AbortController()
    const timer = this.#parts.clock.after(ANSWER_WITHIN, () => late.abort())
    try {
      const url = leaseQuestionUrl(about.url, { infoHash: about.infoHash, peers })
      const signal = AbortSignal.any([late.signal, this.#stopped.signal])
      const reply = await this.#parts.fetch(url, this.#parts.from, signal)
      const leases = parseLeaseReply(reply, peers.length)
      for (const { host, resolve } of some) resolve(leases[peers.indexOf(host)])
    } catch (error) {
      for (const { reject } of some) reject(error)
    } finally {
      timer.cancel()
    }
  }
}
