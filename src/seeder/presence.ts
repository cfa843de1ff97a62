/**
 * Tells the portal what is served here: at the start, every minute, soon after a change, and when it stops.
 * An answer that does not come is asked for again; what is told is always all that holds, so nothing is lost.
 */
import type { IpAddress } from '../core/address.ts'
import { messageOf } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { millis, minutes, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Engine } from '../swarm/index.ts'
import type { Presence, PresenceAnswer } from '../wire/api.ts'
import type { ControlEvent } from '../wire/control.ts'
import { limits } from '../wire/limits.ts'
import type { SeederPortal } from './portal.ts'
import type { MissingRelease } from './shelf.ts'

export interface Served {
  readonly complete: readonly InfoHash[]
  readonly partial: readonly InfoHash[]
  readonly missing: readonly MissingRelease[]
}

export interface PresenceParts {
  readonly clock: Clock
  readonly log: Logger
  readonly portal: Pick<SeederPortal, 'reportPresence'>
  readonly engine: Pick<Engine, 'peerId' | 'port'>
  readonly served: () => Served
}

export interface PresenceOptions {
  readonly kind: 'origin' | 'mirror'
  /** Where peers dial us; without it the address from which the portal sees us. */
  readonly host?: IpAddress
}

const EVERY = minutes(1)
const AFTER_FAILURE = seconds(5)
/** Changes that come together are told together. */
const AFTER_CHANGE = millis(100)
/** How long leaving may wait for a portal that does not answer. */
const GOODBYE_MAX = seconds(3)
/** Reasons are long: with this many a report stays under `limits.apiBodyBytesMax`. */
const MISSING_PER_REPORT = 500

export class PresenceReporter implements AsyncDisposable {
  readonly #parts: PresenceParts
  readonly #options: PresenceOptions
  readonly #stopped = new AbortController()
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  /** Counts what {@link soon} was told. */
  #changes = 0
  #serving: NonNullable<PresenceAnswer['serving']> | undefined

  constructor(parts: PresenceParts, options: PresenceOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Where the tracker tells who has a lease, with our serving grant: a secret. Undefined until the portal says. */
  get leaseUrl(): string | undefined {
    return this.#serving?.leaseUrl
  }

  /** The portal took grants back: when ours is among them, another is to be had at once. */
  onRevoked(event: ControlEvent): void {
    const isOurs =
      event.kind === 'refuse-before' ||
      event.kind === 'grant-key-retired' ||
      (event.kind === 'grant-revoked' && event.id === this.#serving?.id)
    if (isOurs) this.soon()
  }

  /** Resolves after the first report, whether or not the portal answered. */
  async start(): Promise<void> {
    await this.#report()
  }

  /** Something changed: tell it soon. */
  soon(): void {
    if (this.#isStopped()) return
    this.#changes++
    if (this.#running === undefined) this.#schedule(AFTER_CHANGE)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel()
    this.#stopped.abort(new Error('the seeder stops'))
    await this.#running
    const goodbye = new AbortController()
    const timer = this.#parts.clock.after(GOODBYE_MAX, () =>
      goodbye.abort(new Error('the portal does not answer')),
    )
    try {
      await this.#parts.portal.reportPresence(this.#message({ stopping: true, complete: [] }), goodbye.signal)
    } catch (error) {
      this.#parts.log.debug({ reason: messageOf(error) }, 'the portal was not told that this origin stops')
    } finally {
      timer.cancel()
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  #schedule(delay: typeof EVERY): void {
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(delay, () => void this.#report())
  }

  #report(): Promise<void> {
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #sendAll(): Promise<void> {
    let next = EVERY
    const told = this.#changes
    try {
      for (const part of parts(this.#parts.served())) {
        const answer = await this.#parts.portal.reportPresence(this.#message(part), this.#stopped.signal)
        this.#serving = answer.serving ?? this.#serving
      }
    } catch (error) {
      if (this.#isStopped()) return
      this.#parts.log.warn(
        { reason: messageOf(error) },
        'the portal was not told what is served; trying again',
      )
      next = AFTER_FAILURE
    }
    if (!this.#isStopped()) this.#schedule(this.#changes !== told ? AFTER_CHANGE : next)
  }

  #message(part: Pick<Presence, 'complete' | 'partial' | 'missing' | 'stopping'>): Presence {
    const { engine } = this.#parts
    const { kind, host } = this.#options
    return {
      peerId: engine.peerId,
      kind,
      port: engine.port,
      ...(host === undefined ? {} : { host }),
      ...part,
    }
  }
}

/** At least one, also when nothing is served: the portal learns that we are there. */
function* parts(served: Served): Generator<Pick<Presence, 'complete' | 'partial' | 'missing'>> {
  const each = limits.presenceHashesMax
  for (let n = 0; ; n++) {
    const complete = served.complete.slice(n * each, (n + 1) * each)
    const partial = served.partial.slice(n * each, (n + 1) * each)
    const missing = served.missing.slice(n * MISSING_PER_REPORT, (n + 1) * MISSING_PER_REPORT)
    if (n > 0 && complete.length + partial.length + missing.length === 0) return
    yield {
      complete,
      partial,
      missing: missing.map(({ infohash, reason }) => ({ infohash, reason: reason.slice(0, 400) })),
    }
  }
}
