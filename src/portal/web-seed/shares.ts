/**
 * How much of the portal's bytes each grant, or each who watches, has had, and how many answers it has under way. In memory: after
 * a restart each begins anew, which costs at most one more share of it a restart.
 */
import { minutes, type Millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'
import { HttpRefusal } from '../http/problems.ts'

/** What a share is of: a grant, or somebody's watching, and the size of its release. */
export interface ShareOf {
  readonly id: string
  /** When it ends, and may be forgotten; ms since 1970. */
  readonly expiresAt: number
  readonly sizeBytes: number
}

export interface ShareBounds {
  readonly copiesMax: number
  /** Under way at a time; and of all together. */
  readonly answersMax: number
  readonly allAnswersMax: number
  /** For who has had all of it. */
  readonly sentence: string
}

interface Standing {
  sentBytes: number
  answers: number
  readonly most: number
  readonly expiresAt: number
  /** Each takes over from an answer that ends. */
  readonly waiting: (() => void)[]
}

/** One answer under way. */
export interface WebSeedShare extends Disposable {
  /** Before its grant has had enough. */
  readonly leftBytes: number
  sent(bytes: number): void
}

const FORGET_EVERY = minutes(1)
const busy = (sentence: string): HttpRefusal => new HttpRefusal(503, sentence, { 'Retry-After': '5' })

export class WebSeedShares {
  readonly #clock: Clock
  readonly #bounds: ShareBounds
  readonly #standings = new Map<string, Standing>()
  #answers = 0
  #forgotAt: Millis | undefined

  constructor(parts: { readonly clock: Clock }, bounds: ShareBounds = OF_GRANT) {
    this.#clock = parts.clock
    this.#bounds = bounds
  }

  /**
   * Resolves when it is this answer's turn: stock clients ask for more at once than they are given, and take a refusal
   * for the end.
   * @throws HttpRefusal 429 when the grant has had its share, 503 while it, or all together, have too many answers; the
   *   signal's reason.
   */
  async open(of: ShareOf, signal: AbortSignal): Promise<WebSeedShare> {
    const standing = this.#standings.get(of.id) ?? this.#remember(of)
    this.#mustHaveLeft(standing)
    if (this.#answers >= this.#bounds.allAnswersMax) throw busy('the web seed is busy with others')
    if (standing.answers >= this.#bounds.answersMax) await this.#turnOf(standing, signal)
    else standing.answers++
    this.#answers++
    const share = this.#shareOf(standing)
    if (standing.sentBytes >= standing.most) share[Symbol.dispose]()
    this.#mustHaveLeft(standing)
    return share
  }

  #shareOf(standing: Standing): WebSeedShare {
    let isOver = false
    return {
      get leftBytes() {
        return Math.max(0, standing.most - standing.sentBytes)
      },
      sent: (bytes) => {
        standing.sentBytes += bytes
      },
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        this.#answers--
        const next = standing.waiting.shift()
        if (next === undefined) standing.answers--
        else next()
      },
    }
  }

  #turnOf({ waiting }: Standing, signal: AbortSignal): Promise<void> {
    if (waiting.length >= limits.webSeedWaitingPerGrantMax)
      throw busy('this link has asked for more at once than it is given')
    return new Promise((resolve, reject) => {
      const leave = (error: Error): void => {
        const at = waiting.indexOf(turn)
        if (at < 0) return
        waiting.splice(at, 1)
        settle()
        reject(error)
      }
      const onAbort = (): void => {
        leave(new Error('gone', { cause: signal.reason }))
      }
      const settle = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', onAbort)
      }
      const turn = (): void => {
        settle()
        resolve()
      }
      const timer = this.#clock.after(limits.webSeedReaderTimeout, () => {
        leave(busy(`there are ${this.#bounds.answersMax} answers under way already`))
      })
      signal.addEventListener('abort', onAbort, { once: true })
      waiting.push(turn)
    })
  }

  #remember({ id, expiresAt, sizeBytes }: ShareOf): Standing {
    if (this.#standings.size >= limits.webSeedGrantsMax) this.#forgetExpired()
    if (this.#standings.size >= limits.webSeedGrantsMax) throw busy('the web seed is busy with others')
    const most = Math.floor(this.#bounds.copiesMax * sizeBytes)
    const standing = { sentBytes: 0, answers: 0, most, expiresAt, waiting: [] }
    this.#standings.set(id, standing)
    return standing
  }

  /** Walks all of them, so once a minute at most. */
  #forgetExpired(): void {
    const now = this.#clock.now()
    if (this.#forgotAt !== undefined && now - this.#forgotAt < FORGET_EVERY) return
    this.#forgotAt = now
    const before = this.#clock.epoch() - limits.clockLeeway
    for (const [id, { answers, expiresAt }] of this.#standings)
      if (answers === 0 && expiresAt < before) this.#standings.delete(id)
  }

  #mustHaveLeft({ sentBytes, most }: Standing): void {
    if (sentBytes >= most) throw new HttpRefusal(429, this.#bounds.sentence)
  }
}

const OF_GRANT: ShareBounds = {
  copiesMax: limits.webSeedCopiesPerGrantMax,
  answersMax: limits.webSeedAnswersPerGrantMax,
  allAnswersMax: limits.webSeedAnswersMax,
  sentence: `this link has had ${limits.webSeedCopiesPerGrantMax} times the size of its release from the portal: the rest is its peers' to give, or take a fresh link`,
}
