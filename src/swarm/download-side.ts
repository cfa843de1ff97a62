/** What the downloader keeps with each peer. */
import type { PieceIndex } from '../core/piece-layout.ts'
import { type Millis, millis } from '../core/units.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import { RateMeter } from './rate-meter.ts'
import type { PeerSpeed } from './request-queue.ts'

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

export class DownloadSide {
  /** In the order of asking. */
  readonly requests = new Map<number, OutRequest>()
  /** Of {@link requests}: taken back, and not answered yet; with BEP 6 each is, by its block or by a reject. */
  readonly cancelled = new Set<number>()
  /** Taken back, but may still come. */
  readonly late = new Set<number>()
  /** Pieces that it is to bring whole. */
  readonly pieces = new Set<PieceAssembly>()
  /** Pieces that it has, but would not give. */
  readonly refused = new Set<PieceIndex>()
  readonly meter = new RateMeter()
  receiving: Receiving | undefined
  roundTrip: Millis | undefined
  /** The shortest ever: without what waits in queues. */
  roundTripLeast: Millis | undefined
  /** When it last sent a block, or when it was first asked after a pause. */
  activeAt: Millis | undefined
  isSnubbing = false
  /** A piece with its blocks was good. */
  isProven = false
  /** Its pieces are counted one by one among the copies. */
  isCounted = false
  unaskedBytes = 0

  /** Requests that it has to answer, besides those that were taken back. */
  get owed(): number {
    return this.requests.size - this.cancelled.size
  }

  /**
   * What is asked for of these pieces, and does not arrive yet, is to be cancelled. Where each cancel is answered the
   * block stays asked for until it is: asked for again at once, it would come twice, or its reject be taken for another's.
   */
  takeBack(
    suits: (piece: PieceIndex) => boolean,
    { isAnswered }: { readonly isAnswered: boolean },
  ): readonly OutRequest[] {
    const taken = [...this.requests].filter(
      ([key, { assembly }]) =>
        suits(assembly.piece) && this.receiving?.key !== key && !this.cancelled.has(key),
    )
    for (const [key] of taken) {
      if (isAnswered) this.cancelled.add(key)
      else if (this.requests.delete(key)) this.late.add(key)
    }
    return taken.map(([, request]) => request)
  }

  /** By its block or a reject. True when it was taken back before. */
  answered(key: number): boolean {
    this.requests.delete(key)
    return this.cancelled.delete(key)
  }

  forgetRequests(): void {
    this.requests.clear()
    this.cancelled.clear()
  }

  speed(now: Millis, how: Pick<PeerSpeed, 'requestsInMax' | 'isPlayed'>): PeerSpeed {
    const roundTrip = how.isPlayed === true ? this.roundTripLeast : this.roundTrip
    return { rateBps: this.meter.rate(now), roundTrip, isSnubbing: this.isSnubbing, ...how }
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
