/**
 * Keeps a grant fresh for as long as a transfer lasts: renews it when 80 % of its life are over, and tries
 * again until it has expired. Who announces asks {@link GrantRenewer.announceUrl} each time.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { GrantId } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { epochMillis, millis, minutes, seconds, type EpochMillis, type Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Renewal } from '../wire/api.ts'
import { issuedAtOf } from '../wire/grant.ts'
import type { PortalClient } from './portal-client.ts'

export interface HeldGrant {
  readonly id: GrantId
  readonly expiresAt: EpochMillis
  /** Tracker URL with the grant in its query: a secret. */
  readonly announceUrl: string
}

export interface GrantRenewerParts {
  readonly client: Pick<PortalClient, 'renewGrant'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** A fresh grant came: announce with it when it suits. */
  readonly onRenewed?: (grant: HeldGrant) => void
  /** The portal refuses to renew, for good; what is held works until it expires. `reason` is its sentence. */
  readonly onRefused?: (reason: string) => void
}

/** The part of a grant's life after which it is renewed. */
const RENEW_AT = 0.8
/** Timers stand still while a laptop sleeps, and the date may jump: look at the date again at least so often. */
const LOOK_AGAIN = minutes(10)
const RETRY_FIRST = seconds(5)
const RETRY_MAX = minutes(5)

export class GrantRenewer implements Disposable {
  readonly #parts: GrantRenewerParts
  readonly #stop = new AbortController()
  #grant: HeldGrant
  #timer: Timer | undefined
  #failures = 0

  constructor(parts: GrantRenewerParts, grant: HeldGrant) {
    this.#parts = parts
    this.#grant = grant
  }

  /** Harmless when it was started or stopped before. */
  start(): void {
    if (this.#timer === undefined && !this.#stop.signal.aborted) this.#waitFor(this.#dueIn())
  }

  /** With the newest grant there is. */
  get announceUrl(): string {
    return this.#grant.announceUrl
  }

  get grant(): HeldGrant {
    return this.#grant
  }

  /** Renews no more; a request that is under way is cut. What is held stays readable. */
  stop(): void {
    this.#timer?.cancel()
    this.#stop.abort()
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  #waitFor(delay: Millis): void {
    this.#timer = this.#parts.clock.after(millis(Math.min(delay, LOOK_AGAIN)), () => {
      if (delay > LOOK_AGAIN) this.#waitFor(this.#dueIn())
      else void this.#renew()
    })
  }

  #dueIn(): Millis {
    const issuedAt = issuedAtOf(this.#grant.id)
    const dueAt = issuedAt + RENEW_AT * (this.#grant.expiresAt - issuedAt)
    return millis(Math.max(0, dueAt - this.#parts.clock.epoch()))
  }

  async #renew(): Promise<void> {
    const { client, log, onRenewed } = this.#parts
    let renewal: Renewal
    try {
      renewal = await client.renewGrant(this.#grant.id, this.#stop.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(error)
      return
    }
    const { grant, announceUrl } = renewal
    this.#grant = { id: grant.id, expiresAt: epochMillis(Date.parse(grant.expiresAt)), announceUrl }
    this.#failures = 0
    log.debug({ grant: grant.id, expiresAt: grant.expiresAt }, 'grant renewed')
    if (!this.#stop.signal.aborted) this.#waitFor(this.#floor(this.#dueIn()))
    onRenewed?.(this.#grant)
  }

  #failed(error: unknown): void {
    const { clock, log, onRefused } = this.#parts
    const reason = messageOf(error)
    if (isFinal(error) || clock.epoch() > this.#grant.expiresAt) {
      log.warn({ grant: this.#grant.id }, `the grant is not renewed: ${reason}`)
      onRefused?.(reason)
      return
    }
    log.debug({ grant: this.#grant.id, failures: this.#failures }, `renewal failed: ${reason}`)
    this.#waitFor(this.#retryDelay())
  }

  /** A portal whose clock is far off gives grants that are due at once: no tight loop of renewals. */
  #floor(delay: Millis): Millis {
    return millis(Math.max(delay, RETRY_FIRST))
  }

  #retryDelay(): Millis {
    const full = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(this.#failures++, 10))
    return millis(full * (0.5 + this.#parts.random() / 2))
  }
}

/** Trying again helps only against what passes: an outage, a bound on requests. */
function isFinal(error: unknown): boolean {
  return !(error instanceof ShoalError) || (error.code !== 'unavailable' && error.code !== 'over-limit')
}
