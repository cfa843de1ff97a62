/** Bytes on their way to all peers together: one slow reader costs its own queue, a thousand cost no more than this. */
import { limits } from '../wire/limits.ts'

export class SendBudget {
  readonly #queued = new Map<object, number>()
  #total = 0

  get hasRoom(): boolean {
    return this.#total < limits.sendQueueTotalBytesMax
  }

  /** What `peer` has queued now. */
  note(peer: object, queuedBytes: number): void {
    this.#total += queuedBytes - (this.#queued.get(peer) ?? 0)
    if (queuedBytes === 0) this.#queued.delete(peer)
    else this.#queued.set(peer, queuedBytes)
  }
}
