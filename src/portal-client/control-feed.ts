/**
 * Follows a portal's control feed: long poll after long poll, each answer verified by the portal's key before
 * it is applied. Outlives outages and restarts of the portal; what was last heard holds meanwhile.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { millis, seconds, type EpochMillis, type Millis } from '../core/units.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { ControlAnswer } from '../wire/control.ts'
import type { PublicKey } from '../wire/keys.ts'
import { limits } from '../wire/limits.ts'
import { ControlState } from './control-state.ts'
import type { PortalClient } from './portal-client.ts'

export interface ControlFeedParts {
  readonly client: Pick<PortalClient, 'origin' | 'control' | 'jwks'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The portal's own key, pinned or given; without one the key that the portal shows first is believed. */
  readonly portalKeys?: readonly PublicKey[]
}

/** Trackers must refuse within 10 s of a revocation, so an outage is noticed to be over in half of that. */
const RETRY_MAX = seconds(5)
const RETRY_FIRST = millis(250)
/** A portal that answers at once and has nothing to tell is not asked in a tight loop. */
const IDLE_PAUSE = seconds(1)

export class ControlFeed implements AsyncDisposable {
  readonly state = new ControlState()
  readonly #parts: ControlFeedParts
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #keys: readonly PublicKey[]
  #lastContact: EpochMillis | undefined
  /** The portal's `at` of the newest answer, in milliseconds since 1970. */
  #newestAt = 0
  #isClockOff = false

  constructor(parts: ControlFeedParts) {
    this.#parts = parts
    this.#keys = parts.portalKeys ?? []
  }

  /** When the last verified answer came; undefined before the first. */
  get lastContact(): EpochMillis | undefined {
    return this.#lastContact
  }

  /**
   * Resolves when the first answer is applied, and then goes on until the signal or {@link asyncDispose}.
   * Waits for a portal that is not up yet.
   *
   * @throws ShoalError `not-authenticated` or `not-granted` when the portal refuses the token or shows
   *   another key; the signal's reason when it is aborted before.
   */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#running !== undefined) throw new Error('the control feed was started before')
    const ready = Promise.withResolvers<undefined>()
    this.#running = this.#run(AbortSignal.any([signal, this.#stop.signal]), ready)
    await ready.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ShoalError('interrupted', 'the control feed was stopped'))
    await this.#running
  }

  async #run(signal: AbortSignal, ready: PromiseWithResolvers<undefined>): Promise<void> {
    const { clock, log } = this.#parts
    const isStopped = (): boolean => signal.aborted
    let failures = 0
    while (!isStopped()) {
      const startedAt = clock.now()
      let wait: Millis
      try {
        const hasNews = await this.#poll(signal)
        if (failures > 0) log.info({ failures }, 'the control feed is back')
        failures = 0
        ready.resolve(undefined)
        wait = hasNews ? millis(0) : millis(Math.max(0, startedAt + IDLE_PAUSE - clock.now()))
      } catch (error) {
        if (isStopped()) break
        if (!this.state.isReady && isFinal(error)) {
          ready.reject(error)
          return
        }
        this.#report(error, failures)
        wait = retryDelay(failures++, this.#parts.random)
      }
      if (wait > 0) await sleep(clock, wait, signal).catch(() => undefined) // aborted: the loop ends
    }
    ready.reject(signal.reason)
  }

  /** True when the answer brought something. */
  async #poll(signal: AbortSignal): Promise<boolean> {
    if (this.#keys.length === 0) await this.#fetchKeys(signal)
    const answer = await this.#open(await this.#parts.client.control(this.state.seq, signal), signal)
    this.#refuseReplay(answer)
    this.#lastContact = this.#parts.clock.epoch()
    this.#newestAt = Math.max(this.#newestAt, Date.parse(answer.at))
    this.#compareClocks(answer)
    const isOld = this.state.isReady && !answer.snapshot && answer.seq === this.state.seq
    if (!isOld) this.state.apply(answer)
    return !isOld
  }

  /** Verifies; a signature by a key that is not ours may be by the portal's next key, so that is asked once. */
  async #open(jws: string, signal: AbortSignal): Promise<ControlAnswer> {
    const { openControlAnswer } = await import('../wire/control-answer.ts')
    try {
      return await openControlAnswer(jws, this.#keys)
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'not-granted') throw error
      await this.#fetchKeys(signal)
      return await openControlAnswer(jws, this.#keys)
    }
  }

  /** A key that the one before did not sign is refused. */
  async #fetchKeys(signal: AbortSignal): Promise<void> {
    const { openJwks } = await import('../wire/key-document.ts')
    const jwks = await this.#parts.client.jwks(signal)
    const known = this.#keys.length === 0 ? [undefined] : this.#keys
    let refusal: unknown
    for (const pinned of known) {
      try {
        this.#keys = [(await openJwks(jwks, pinned)).portalKey]
        return
      } catch (error) {
        refusal = error
      }
    }
    throw refusal
  }

  /**
   * Somebody between us and the portal may send an old answer again, to undo a revocation. Numbers go back
   * only by a snapshot (the portal was restored), and a snapshot is not older than what we know.
   */
  #refuseReplay(answer: ControlAnswer): void {
    if (answer.snapshot) {
      if (Date.parse(answer.at) + limits.clockLeeway < this.#newestAt)
        throw new ShoalError('bad-input', 'the control feed sent a snapshot that is older than what is known')
    } else if (!this.state.isReady) {
      throw new ShoalError('bad-input', 'the control feed does not begin with a snapshot')
    } else if (answer.seq < this.state.seq) {
      throw new ShoalError('bad-input', `the control feed went back from ${this.state.seq} to ${answer.seq}`)
    }
  }

  /** Grants end by the clock of whoever checks them; a wrong one lets holders in too long, or not at all. Told once. */
  #compareClocks(answer: ControlAnswer): void {
    const aheadMs = this.#parts.clock.epoch() - Date.parse(answer.at)
    const isOff = Math.abs(aheadMs) > limits.clockLeeway
    if (isOff && !this.#isClockOff) {
      const off = `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`
      this.#parts.log.warn(
        { aheadMs },
        `the clock of this machine is ${off} that of the portal: set one of them right, or grants end too early or too late`,
      )
    }
    this.#isClockOff = isOff
    this.state.clockAheadMs = isOff ? aheadMs : 0
  }

  /** Loud once an outage. */
  #report(error: unknown, failures: number): void {
    const { log, client } = this.#parts
    const line = `the control feed of ${client.origin} is cut off: ${messageOf(error)}`
    if (failures === 0) log.warn(line)
    else log.debug({ failures }, line)
  }
}

/** Waiting does not help: the token or the key is wrong. */
function isFinal(error: unknown): boolean {
  return error instanceof ShoalError && (error.code === 'not-authenticated' || error.code === 'not-granted')
}

/** Doubles from 250 ms to 5 s; the random half keeps a fleet from asking in step. */
function retryDelay(failures: number, random: Random): Millis {
  const full = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(failures, 10))
  return millis(full * (0.5 + random() / 2))
}
