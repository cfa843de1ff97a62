/** Bytes that go another way than from peer to peer, within the same rate limits. */
import { type IpAddress, ipAddress } from '../core/address.ts'
import type { Way } from './limiting/engine-limits.ts'
import type { Carrier, TorrentLimits } from './limiting/torrent-limits.ts'
import type { Peer } from './peer.ts'

/** Whoever is behind a portal may be anywhere: next door to nobody, and at no site whose budget is known. */
const SOMEWHERE = ipAddress('0.0.0.0')

/** One stream of such bytes. */
export class Spender implements Carrier, Disposable {
  readonly address: IpAddress = SOMEWHERE
  readonly #limits: TorrentLimits<Peer | Spender>
  readonly #way: Way
  #turn: PromiseWithResolvers<undefined> | undefined

  constructor(limits: TorrentLimits<Peer | Spender>, way: Way) {
    this.#limits = limits
    this.#way = way
  }

  /** False: not now. */
  take(bytes: number): boolean {
    return this.#limits[this.#way].take(this, bytes)
  }

  /** Resolves when the limits allow `bytes` more. @throws the signal's reason when it is aborted before. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (!this.take(bytes)) {
      const turn = (this.#turn ??= Promise.withResolvers<undefined>())
      const onAbort = (): void => turn.reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await turn.promise
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    }
  }

  /** It is worth asking again. */
  resume(): void {
    this.#turn?.resolve(undefined)
    this.#turn = undefined
  }

  [Symbol.dispose](): void {
    this.#limits.left(this)
  }
}
