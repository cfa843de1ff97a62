/**
 * How many announces one process has under way at one tracker: a thousand torrents that start together, or that
 * find a tracker hanging, open a few sockets and not a thousand. Who came first is served first, and a tracker
 * that hangs holds nobody up who asks another.
 */
import { limits } from '../wire/limits.ts'

interface Host {
  taken: number
  readonly waiting: Set<() => void>
}

export class TrackerSlots {
  readonly #hosts = new Map<string, Host>()

  /** Resolves when there is room, with what gives it back; call that once. @throws the signal's reason. */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const host = this.#hosts.get(name) ?? { taken: 0, waiting: new Set() }
    this.#hosts.set(name, host)
    if (host.taken < limits.announcesAtOnceMax) host.taken++
    else await this.#turn(host, signal)
    return () => this.#give(name, host)
  }

  /** Announces under way at all trackers, and those that wait for their turn. */
  get counts(): { readonly taken: number; readonly waiting: number } {
    let [taken, waiting] = [0, 0]
    for (const host of this.#hosts.values()) {
      taken += host.taken
      waiting += host.waiting.size
    }
    return { taken, waiting }
  }

  #turn(host: Host, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        host.waiting.delete(go)
        reject(signal.reason instanceof Error ? signal.reason : new Error('it is not asked any more'))
      }
      host.waiting.add(go)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** The place goes on to who waits longest. */
  #give(name: string, host: Host): void {
    const [next] = host.waiting
    if (next !== undefined) {
      host.waiting.delete(next)
      next()
    } else if (--host.taken === 0) this.#hosts.delete(name)
  }
}
