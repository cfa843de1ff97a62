/** Does the tracker that links name answer? For the page of operators, where the tracker runs elsewhere. */
import { type Millis, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { httpModuleFor } from '../platform/http-module.ts'

export interface TrackerState {
  /** `other`: something answers, as a proxy that does not pass `/readyz` on. */
  readonly answer: 'ready' | 'not-ready' | 'other' | 'silent'
  /** Its clock less ours, in milliseconds of either sign; known to a second. */
  readonly clockAheadMs: number
}

const TIMEOUT = seconds(3)
/** However many look at the page, and however often. */
const KEPT = seconds(5)

export class TrackerProbe {
  readonly #clock: Clock
  readonly #url: URL
  #last: { readonly at: Millis; readonly state: Promise<TrackerState> } | undefined

  /** `trackerUrl`: its origin. */
  constructor(parts: { readonly clock: Clock }, trackerUrl: string) {
    this.#clock = parts.clock
    this.#url = new URL('/readyz', trackerUrl)
  }

  /** Never rejects; asks at most every five seconds. */
  state(): Promise<TrackerState> {
    const at = this.#clock.now()
    if (this.#last === undefined || at - this.#last.at >= KEPT) this.#last = { at, state: this.#ask() }
    return this.#last.state
  }

  #ask(): Promise<TrackerState> {
    return new Promise((resolve) => {
      const url = this.#url
      const asked = httpModuleFor(url).request(url, { agent: false, signal: AbortSignal.timeout(TIMEOUT) })
      asked.on('response', ({ statusCode, headers }) => {
        asked.destroy()
        const theirs = Date.parse(headers.date ?? '')
        resolve({
          answer: statusCode === 200 ? 'ready' : statusCode === 503 ? 'not-ready' : 'other',
          clockAheadMs: Number.isNaN(theirs) ? 0 : theirs - this.#clock.epoch(),
        })
      })
      asked.on('error', () => {
        resolve({ answer: 'silent', clockAheadMs: 0 })
      })
      asked.end()
    })
  }
}
