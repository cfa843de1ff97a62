/**
 * Grants that are used from many addresses are told to the portal, which keeps a row for who looks after it: a link
 * is passed round, or a fleet grows. Told from eight addresses on, and again at each doubling and at the first
 * address that is turned away.
 */
import { messageOf } from '../core/errors.ts'
import type { GrantId } from '../core/ids.ts'
import { seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { PortalClient } from '../portal-client/index.ts'
import { limits } from '../wire/limits.ts'
import { Lru } from './lru.ts'

export interface SharedGrantsParts {
  readonly clock: Clock
  readonly log: Logger
  /** Without it nobody is told. */
  readonly portal?: Pick<PortalClient, 'reportSharedGrants'> | undefined
}

interface Use {
  readonly addresses: number
  readonly isFull: boolean
}

const TELL_EVERY = seconds(10)
/** Grants whose last word is remembered; one that is forgotten is told of once more. */
const TOLD_MAX = 10_000

export class SharedGrants implements Disposable {
  readonly #parts: SharedGrantsParts
  readonly #told = new Lru<GrantId, Use>({ capacity: TOLD_MAX })
  /** To be told; bounded by the portal's own limit on one report. */
  readonly #waiting = new Map<GrantId, Use>()
  readonly #timer: Timer | undefined
  #isTelling = false

  constructor(parts: SharedGrantsParts) {
    this.#parts = parts
    if (parts.portal !== undefined) this.#timer = parts.clock.every(TELL_EVERY, () => void this.#tell())
  }

  /** The grant is used from so many addresses; `isFull`: one more was turned away. */
  note(id: GrantId, use: Use): void {
    if (use.addresses < limits.peersPerGrantDefault && !use.isFull) return
    const told = this.#told.get(id)
    const isNews = told === undefined || use.addresses >= 2 * told.addresses || (use.isFull && !told.isFull)
    if (!isNews || this.#waiting.size >= limits.sharedGrantsMax) return
    this.#told.set(id, { ...use, isFull: use.isFull || told?.isFull === true })
    this.#waiting.set(id, use)
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
  }

  /** What cannot be told is told the next time. */
  async #tell(): Promise<void> {
    if (this.#isTelling || this.#waiting.size === 0) return
    this.#isTelling = true
    const some = [...this.#waiting]
    try {
      await this.#parts.portal?.reportSharedGrants(some.map(([id, use]) => ({ id, ...use })))
      for (const [id, use] of some) if (this.#waiting.get(id) === use) this.#waiting.delete(id)
    } catch (error) {
      this.#parts.log.debug({ reason: messageOf(error) }, 'the portal was not told of shared grants')
    } finally {
      this.#isTelling = false
    }
  }
}
