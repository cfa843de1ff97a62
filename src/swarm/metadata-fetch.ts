/**
 * Fetching the info bytes from peers (BEP 9), for who holds a magnet only. Each peer that is asked brings the
 * whole of it, so that a liar is known for one at once; a few are asked in parallel. Nothing is parsed before
 * its hash is the infohash.
 */
import { hash } from 'node:crypto'
import type { InfoHash } from '../core/ids.ts'
import { type Millis, seconds } from '../core/units.ts'
import type { MetadataMessage } from '../wire/extension.ts'
import { limits } from '../wire/limits.ts'
import type { Peer } from './peer.ts'

export interface MetadataFetchParts {
  readonly infoHash: InfoHash
  readonly now: () => Millis
  readonly ask: (peer: Peer, piece: number) => void
  readonly onFetched: (infoBytes: Uint8Array) => void
  /** What the peer brought hashes to something else. */
  readonly onSpoiled: (peer: Peer) => void
}

interface Attempt {
  readonly bytes: Uint8Array
  readonly pieces: boolean[]
  received: number
  activeAt: Millis
}

const PARALLEL_MAX = 3
/** Asked of one peer at once: the whole of common metadata. */
const REQUESTS_MAX = 16
const PATIENCE = seconds(10)

export class MetadataFetch {
  readonly #parts: MetadataFetchParts
  readonly #attempts = new Map<Peer, Attempt>()
  /** Who refused or was silent is not asked again before everybody else was. */
  #passed = new WeakSet<Peer>()
  #passedSince: Millis

  constructor(parts: MetadataFetchParts) {
    this.#parts = parts
    this.#passedSince = parts.now()
  }

  /** Asks the peer, if it can help and few enough are being asked. Harmless when repeated. */
  consider(peer: Peer): void {
    const size = peer.metadataBytes
    if (size === undefined || peer.extensionId('ut_metadata') === undefined) return
    if (this.#attempts.size >= PARALLEL_MAX || this.#attempts.has(peer) || this.#passed.has(peer)) return
    const count = Math.ceil(size / limits.metadataPieceBytes)
    this.#attempts.set(peer, {
      bytes: new Uint8Array(size),
      pieces: new Array<boolean>(count).fill(false),
      received: 0,
      activeAt: this.#parts.now(),
    })
    for (let piece = 0; piece < Math.min(count, REQUESTS_MAX); piece++) this.#parts.ask(peer, piece)
  }

  /** An answer of the peer's; what was not asked for is ignored. */
  answered(peer: Peer, message: MetadataMessage): void {
    const attempt = this.#attempts.get(peer)
    if (attempt === undefined) return
    if (message.kind === 'reject') this.left(peer)
    if (message.kind !== 'data') return
    const start = message.piece * limits.metadataPieceBytes
    const expected = Math.min(limits.metadataPieceBytes, attempt.bytes.length - start)
    if (message.totalBytes !== attempt.bytes.length || message.bytes.length !== expected) {
      this.left(peer)
      this.#parts.onSpoiled(peer)
      return
    }
    if (attempt.pieces[message.piece] !== false) return
    attempt.bytes.set(message.bytes, start)
    attempt.pieces[message.piece] = true
    attempt.received++
    attempt.activeAt = this.#parts.now()
    if (attempt.received === attempt.pieces.length) this.#finish(peer, attempt)
    else this.#askOn(peer, attempt)
  }

  /** It is gone, or of no use. */
  left(peer: Peer): void {
    this.#passed.add(peer)
    this.#attempts.delete(peer)
  }

  /** Gives up on silent ones; with nobody left to ask, begins anew. */
  tick(): void {
    const now = this.#parts.now()
    for (const [peer, attempt] of this.#attempts) if (now - attempt.activeAt > PATIENCE) this.left(peer)
    if (this.#attempts.size > 0 || now - this.#passedSince < PATIENCE) return
    this.#passed = new WeakSet()
    this.#passedSince = now
  }

  /** Keeps the window of requests open: one more for each that came. */
  #askOn(peer: Peer, attempt: Attempt): void {
    const next = attempt.received + REQUESTS_MAX - 1
    if (next < attempt.pieces.length) this.#parts.ask(peer, next)
  }

  #finish(peer: Peer, attempt: Attempt): void {
    this.left(peer)
    if (hash('sha1', attempt.bytes, 'hex') === this.#parts.infoHash) this.#parts.onFetched(attempt.bytes)
    else this.#parts.onSpoiled(peer)
  }
}
