/** What colleagues ask of us: a few at a time, from verified pieces, no faster than they take it. */
import type { Random } from '../../core/random.ts'
import { limits } from '../../wire/limits.ts'
import type { BlockRange } from '../../wire/peer-message.ts'
import type { EngineClock } from './channel.ts'
import type { ViewerPeer } from './viewer-peer.ts'

export interface UploadsParts {
  readonly clock: EngineClock
  readonly random: Random
  readonly peers: () => Iterable<ViewerPeer>
  /** Undefined when we have it no more. */
  readonly read: (range: BlockRange) => Promise<Uint8Array | undefined>
  readonly onSent: (peer: ViewerPeer, bytes: number) => void
}

/** Each of them is a colleague who plays: more than one office page can feed at once is no gain. */
const UNCHOKED_MAX = 10
/** Where more would like to: one gives its place up so often. */
const ROTATE_EVERY = 10_000
/** Beyond, it is to take what it has first. */
const QUEUED_BYTES_MAX = 256 * 1_024

export class Uploads {
  readonly #parts: UploadsParts
  readonly #busy = new Set<ViewerPeer>()
  #rotatedAt = 0
  #isOn = true

  constructor(parts: UploadsParts) {
    this.#parts = parts
  }

  /** Off: this machine sends nothing to anybody. */
  turn(isOn: boolean): void {
    this.#isOn = isOn
    this.review()
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** Who may ask: called when somebody comes, goes or changes its mind, and each second. */
  review(): void {
    const now = this.#parts.clock.now()
    const peers = [...this.#parts.peers()]
    const willing = this.#isOn ? peers.filter((peer) => peer.isInterested) : []
    for (const peer of peers) if (!peer.isChoked && !willing.includes(peer)) this.#choke(peer, now)
    const waiting = willing.filter((peer) => peer.isChoked)
    const placed = willing.filter((peer) => !peer.isChoked)
    if (waiting.length > 0 && placed.length >= UNCHOKED_MAX && now - this.#rotatedAt > ROTATE_EVERY) {
      this.#rotatedAt = now
      const out = placed[Math.floor(this.#parts.random() * placed.length)]
      if (out !== undefined) this.#choke(out, now)
    }
    const room = UNCHOKED_MAX - willing.filter((peer) => !peer.isChoked).length
    for (const peer of waiting.slice(0, Math.max(0, room))) {
      peer.isChoked = false
      peer.send({ kind: 'unchoke' }, now)
    }
  }

  /** It asks for a block that we said to have. */
  asked(peer: ViewerPeer, range: BlockRange): void {
    if (peer.isChoked || peer.wanted.length >= limits.requestsInMax) this.#reject(peer, range)
    else {
      peer.wanted.push(range)
      this.serve(peer)
    }
  }

  /** BEP 6: a cancel is answered, too. */
  cancelled(peer: ViewerPeer, { piece, offset, length }: BlockRange): void {
    const at = peer.wanted.findIndex((range) => range.piece === piece && range.offset === offset && range.length === length) // prettier-ignore
    if (at === -1) return
    peer.wanted.splice(at, 1)
    this.#reject(peer, { piece, offset, length })
  }

  /** Sends what the peer has room for. */
  serve(peer: ViewerPeer): void {
    if (this.#busy.has(peer)) return
    this.#busy.add(peer)
    void this.#serveAll(peer).finally(() => this.#busy.delete(peer))
  }

  async #serveAll(peer: ViewerPeer): Promise<void> {
    const { clock, read, onSent } = this.#parts
    while (peer.channel.queuedBytes < QUEUED_BYTES_MAX) {
      const range = peer.wanted.shift()
      if (range === undefined) return
      const block = await read(range)
      if (block === undefined || peer.isChoked) {
        this.#reject(peer, range)
        continue
      }
      const now = clock.now()
      // one message: each costs both sides more than this copy
      peer.send({ kind: 'piece', piece: range.piece, offset: range.offset, block }, now)
      onSent(peer, block.length)
    }
  }

  #choke(peer: ViewerPeer, now: number): void {
    peer.isChoked = true
    peer.send({ kind: 'choke' }, now)
    for (const range of peer.wanted.splice(0)) this.#reject(peer, range)
  }

  #reject(peer: ViewerPeer, { piece, offset, length }: BlockRange): void {
    if (peer.hasFast) peer.send({ kind: 'reject', piece, offset, length }, this.#parts.clock.now())
  }
}
