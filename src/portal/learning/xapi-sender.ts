/**
 * Tells the company's learning record store what waits in the outbox. It may be slow, down for days or not understand us: what was
 * not taken is tried again, less and less often, and the store knows by a statement's id what it has. Only the address of the
 * settings is asked; where that leads elsewhere, nothing is sent there.
 */
import { type Millis, millis, seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { httpModuleFor } from '../../platform/http-module.ts'
import type { Logger } from '../../platform/log.ts'
import { learningLimits } from '../../wire/limits-learning.ts'
import type { Waiting, XapiOutbox } from './xapi-outbox.ts'

export interface XapiParts {
  readonly clock: Clock
  readonly log: Logger
  readonly outbox: XapiOutbox
  /** Without a slash at its end. */
  readonly url: string
  /** For Basic authentication. */
  readonly login: { readonly user: string; readonly password: string } | undefined
}

/** `taken`: it has it. `refused`: not these, or not like this. `later`: it takes nothing now. */
type Outcome =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'later'; readonly why: string; readonly retryAfter?: Millis }

const RETRY_FIRST = seconds(30)
/** Requests in one turn; the next turn goes on. */
const TURNS_MAX = 200
/** One that was refused alone so often, over two days, is no good. */
const TRIES_MAX = 50
/** Stores of xAPI 2.0 take it too. */
const VERSION = '1.0.3'

export class XapiSender {
  readonly #parts: XapiParts
  readonly #statements: URL
  readonly #stopped = new AbortController()
  #failures = 0
  #notBefore: Millis | undefined

  constructor(parts: XapiParts) {
    this.#parts = parts
    this.#statements = new URL(`${parts.url}/statements`)
  }

  /** Sends what is due, until nothing is, or nothing is taken. To be called again and again, never twice at once. */
  async work(): Promise<void> {
    const { clock, outbox } = this.#parts
    if (this.#notBefore !== undefined && clock.now() < this.#notBefore) return
    for (let turn = 0; turn < TURNS_MAX && !this.#stopped.signal.aborted; turn++) {
      const rows = await outbox.due()
      if (rows.length === 0 || !(await this.#tell(rows))) return
    }
  }

  /** Ends what is under way: it is told again at the next start. */
  stop(): void {
    this.#stopped.abort()
  }

  /** False when it is no use to go on now. */
  async #tell(rows: readonly Waiting[]): Promise<boolean> {
    const { outbox, log } = this.#parts
    const outcome = await this.#post(rows)
    if (this.#stopped.signal.aborted) return false
    if (outcome.kind === 'later') {
      await outbox.delay(rows, delayOf)
      this.#onAway(outcome)
      return false
    }
    this.#onThere()
    if (outcome.kind === 'taken') {
      await outbox.drop(rows)
      return true
    }
    // one of them may be the reason: from now on each goes alone
    const [first] = rows
    const isHopeless = rows.length === 1 && first !== undefined && first.attempts >= TRIES_MAX
    if (isHopeless) {
      log.error(
        { statement: first.id, why: outcome.why },
        'the learning system never takes this: it is dropped',
      )
      await outbox.drop(rows)
    } else await outbox.delay(rows, rows.length > 1 ? () => 0 : delayOf)
    return true
  }

  #onAway({ why, retryAfter }: Extract<Outcome, { kind: 'later' }>): void {
    const { clock, log } = this.#parts
    this.#failures++
    const delay = Math.min(learningLimits.xapiRetryMax, retryAfter ?? delayOf(this.#failures))
    this.#notBefore = millis(clock.now() + delay)
    if (this.#failures === 1)
      log.warn({ why }, 'the learning system takes no statements: they are kept and sent later')
  }

  #onThere(): void {
    if (this.#failures > 0) this.#parts.log.info('the learning system takes statements again')
    this.#failures = 0
    this.#notBefore = undefined
  }

  #post(rows: readonly Waiting[]): Promise<Outcome> {
    const { clock, login } = this.#parts
    const body = Buffer.from(`[${rows.map((row) => row.body).join(',')}]`)
    return new Promise((resolve) => {
      const asked = httpModuleFor(this.#statements).request(this.#statements, {
        method: 'POST',
        agent: false,
        signal: this.#stopped.signal,
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'x-experience-api-version': VERSION,
          ...(login !== undefined && {
            authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`,
          }),
        },
      })
      const timer = clock.after(learningLimits.xapiTimeout, () => {
        asked.destroy(new Error('no answer in time'))
      })
      const end = (outcome: Outcome): void => {
        timer.cancel()
        resolve(outcome)
      }
      asked.on('response', ({ statusCode = 0, headers }) => {
        asked.destroy() // whatever else it says
        end(outcomeOf(statusCode, headers['retry-after'], rows.length))
      })
      asked.on('error', ({ message }) => {
        end({ kind: 'later', why: message })
      })
      asked.end(body)
    })
  }
}

/** Not theirs to take, or not ours to ask: what whoever runs the two has to mend. */
const LATER: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 408, 421, 425, 429])

function outcomeOf(status: number, retryAfter: string | undefined, count: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'taken' }
  // another statement of this id: it was told before, and is told once
  if (status === 409 && count === 1) return { kind: 'taken' }
  const why = status >= 300 && status < 400 ? `it sends us elsewhere (${status})` : `it answered ${status}`
  if (status >= 400 && status < 500 && !LATER.has(status)) return { kind: 'refused', why }
  const waitSeconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined
  return { kind: 'later', why, ...(waitSeconds !== undefined && { retryAfter: seconds(waitSeconds) }) }
}

/** Twice as long each time. */
const delayOf = (attempts: number): number =>
  Math.min(learningLimits.xapiRetryMax, RETRY_FIRST * 2 ** Math.min(20, attempts - 1))
