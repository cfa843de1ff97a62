/** Bytes that go another way than from peer to peer, within the same rate limits. */
import { type IpAddress, ipAddress } from '../core/address.ts'
import type { Way } from './limiting/engine-limits.ts'
import type { Carrier, TorrentLimits } from './limiting/torrent-limits.ts'
import type { Peer } from './peer.ts'

/** Whoever is behind a portal may be anywhere: next door to nobody, and at no site whose budget is known. */
const SOMEWHERE = ipAddress('0.0.0.0')

interface Wish {
  readonly bytes: number
  readonly onTaken: () => void
}

/**
 * One stream of such bytes, with one share beside the peers. Whoever comes anew is behind nobody, so that a stream that
 * goes on must stay one: as many, each for a few bytes, it would always be before peers that wait.
 */
export class Spender implements Carrier, Disposable {
  readonly address: IpAddress = SOMEWHERE
  readonly #limits: TorrentLimits<Peer | Spender>
  readonly #way: Way
  /** Taken in its turn and not after it, since who takes nothing then goes to the end of the line. */
  readonly #wishes: Wish[] = []

  constructor(limits: TorrentLimits<Peer | Spender>, way: Way) {
    this.#limits = limits
    this.#way = way
  }

  /** False: not now. */
  take(bytes: number): boolean {
    return this.#wishes.length === 0 && this.#limits[this.#way].take(this, bytes)
  }

  /** What was taken for something that did not happen. */
  giveBack(bytes: number): void {
    this.#limits[this.#way].giveBack(this, bytes)
  }

  /** Resolves when `bytes` more are taken, in the order of the calls. @throws the signal's reason when aborted before. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.take(bytes)) return
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const wish = { bytes, onTaken: () => resolve(undefined) }
    const onAbort = (): void => {
      this.#forget(wish)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#wishes.push(wish)
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** It is its turn. */
  resume(): void {
    for (let [wish] = this.#wishes; wish !== undefined; [wish] = this.#wishes) {
      if (!this.#limits[this.#way].take(this, wish.bytes)) return
      this.#wishes.shift()
      wish.onTaken()
    }
  }

  [Symbol.dispose](): void {
    this.#limits.left(this)
  }

  #forget(wish: Wish): void {
    const at = this.#wishes.indexOf(wish)
    if (at >= 0) this.#wishes.splice(at, 1)
    if (this.#wishes.length === 0) this.#limits.left(this)
  }
}
