/** What the downloader keeps with each peer. */
import type { PieceIndex } from '../core/piece-layout.ts'
import { type Millis, millis } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import type { Counted } from './copies.ts'
import type { FarSite } from './far-sites.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import { RateMeter } from './rate-meter.ts'
import { RecentKeys } from './recent-keys.ts'
import { type PeerSpeed, silenceAllowed } from './request-queue.ts'

/** A request of ours that the peer has not answered. */
export interface OutRequest {
  readonly assembly: PieceAssembly
  readonly block: number
  readonly sentAt: Millis
}

/** A block that is arriving. `scratch`: it may not be written to the piece directly. */
export interface Receiving {
  readonly key: number
  readonly assembly: PieceAssembly | undefined
  readonly block: number
  readonly length: number
  readonly scratch: Uint8Array | undefined
}

/** Of what was taken back: as much as a peer may have under way, twice. */
const LATE_MAX = 2 * limits.requestsOutMax

/** Of a block among all blocks of a torrent. */
export const keyOfBlock = (piece: number, block: number): number => piece * 0x100000 + block

export class DownloadSide {
  readonly #requests = new Map<number, OutRequest>()
  /** Of {@link requests}: taken back then, and not answered yet; with BEP 6 each is, by its block or by a reject. */
  readonly #cancelled = new Map<number, Millis>()
  /** Cancelled and forgotten, but not answered: with BEP 6 a reject may come, which is none of a newer request. */
  readonly rejectsDue = new RecentKeys(LATE_MAX)
  /** Taken back, but may still come. */
  readonly late = new RecentKeys(LATE_MAX)
  /** Pieces that it is to bring whole. */
  readonly pieces = new Set<PieceAssembly>()
  /** Pieces that it has, but would not give. */
  readonly refused = new Set<PieceIndex>()
  readonly meter = new RateMeter()
  /** Where it is, unless it is of our site. */
  farSite: FarSite | undefined
  receiving: Receiving | undefined
  roundTrip: Millis | undefined
  /** The shortest ever: without what waits in queues. */
  roundTripLeast: Millis | undefined
  /** When it last sent a block, or when it was first asked after a pause. */
  activeAt: Millis | undefined
  isSnubbing = false
  /** A piece with its blocks was good. */
  isProven = false
  /** How its pieces are counted among the copies. */
  counted: Counted | undefined
  /** It is of our site and has kept us waiting: what it has is fetched elsewhere too. */
  isWaitedFor = false
  /** An origin chose us to fetch these (BEP 6 `suggest`). */
  readonly hints = new Set<PieceIndex>()
  /** It was looked through in vain: nothing that it has is begun before this reading of the clock. */
  idleUntil = millis(0)
  unaskedBytes = 0

  /** In the order of asking. */
  get requests(): ReadonlyMap<number, OutRequest> {
    return this.#requests
  }

  /** Requests that it has to answer, besides those that were taken back. */
  get owed(): number {
    return this.#requests.size - this.#cancelled.size
  }

  /** For how long it has owed us the first block that it was asked for. */
  waitedFor(now: Millis): number {
    for (const { sentAt } of this.#requests.values()) return now - sentAt
    return 0
  }

  asked(key: number, request: OutRequest): void {
    const isNew = !this.#requests.has(key)
    this.#requests.set(key, request)
    if (isNew && this.farSite !== undefined) this.farSite.asked(1)
  }

  /** It is answered, or not waited for any more. `wasOurWish`: it had been taken back. */
  settled(key: number): (OutRequest & { readonly wasOurWish: boolean }) | undefined {
    const request = this.#requests.get(key)
    const wasOurWish = this.#cancelled.delete(key)
    if (request === undefined) return undefined
    this.#requests.delete(key)
    this.farSite?.asked(-1)
    return { ...request, wasOurWish }
  }

  settledAll(): void {
    this.farSite?.asked(-this.#requests.size)
    this.#requests.clear()
    this.#cancelled.clear()
  }

  /**
   * What is asked for of these pieces, and does not arrive yet, is to be cancelled. Where each cancel is answered the
   * block stays asked for until it is: asked for again at once, it would come twice, or its reject be taken for another's.
   */
  takeBack(
    suits: (piece: PieceIndex) => boolean,
    { isAnswered, now }: { readonly isAnswered: boolean; readonly now: Millis },
  ): readonly OutRequest[] {
    const taken = [...this.#requests].filter(
      ([key, { assembly }]) =>
        suits(assembly.piece) && this.receiving?.key !== key && !this.#cancelled.has(key),
    )
    for (const [key] of taken) {
      if (isAnswered) this.#cancelled.set(key, now)
      else if (this.settled(key) !== undefined) this.late.add(key)
    }
    return taken.map(([, request]) => request)
  }

  /** Not all who say that they have BEP 6 answer a cancel (aria2): what was taken back so long ago is free. */
  unanswered(now: Millis): readonly OutRequest[] {
    if (this.#cancelled.size === 0) return []
    const allowed = silenceAllowed(this.meter.rate(now))
    const overdue = [...this.#cancelled].filter(
      ([key, since]) => now - since > allowed && this.receiving?.key !== key,
    )
    return overdue.flatMap(([key]) => {
      this.late.add(key)
      return this.settled(key) ?? []
    })
  }

  /** It is at that other site, or at ours. */
  isAt(site: FarSite | undefined): void {
    this.farSite?.asked(-this.#requests.size)
    this.farSite = site
    site?.asked(this.#requests.size)
  }

  speed(now: Millis, how: Pick<PeerSpeed, 'requestsInMax' | 'isPlayed'>): PeerSpeed {
    const roundTrip = how.isPlayed === true ? this.roundTripLeast : this.roundTrip
    const { roundTripLeast, isSnubbing } = this
    return { rateBps: this.meter.rate(now), roundTrip, roundTripLeast, isSnubbing, ...how }
  }

  /** A block came `took` after it was asked for. */
  noteRoundTrip(took: Millis): void {
    this.roundTripLeast = millis(Math.min(took, this.roundTripLeast ?? took))
    const shortest = this.roundTrip
    // Drifts up slowly, so that one lucky block does not stand for ever.
    const isShorter = shortest === undefined || took < shortest
    this.roundTrip = isShorter ? took : millis(shortest + (took - shortest) / 64)
  }
}
