/**
 * Long work in the main thread, cut into short stretches: the event loop goes on in between, so nobody else
 * waits. For work whose steps are short; one long step belongs on a thread (`aside.ts`).
 */
import { ShoalError } from '../core/errors.ts'
import { millis, type Millis, seconds } from '../core/units.ts'

const STRETCH = millis(20)

export class Breath {
  readonly #until: number
  #stretchEnds: number

  /** `workMax`: how long all stretches and pauses together may take. */
  constructor(workMax: Millis = seconds(10)) {
    const now = performance.now()
    this.#until = now + workMax
    this.#stretchEnds = now + STRETCH
  }

  /** True when it is time to {@link take} one: cheap enough to be asked at every step. */
  get isDue(): boolean {
    return performance.now() > this.#stretchEnds
  }

  /** @throws ShoalError `over-limit` when it has taken too long altogether. */
  async take(): Promise<void> {
    if (performance.now() > this.#until)
      throw new ShoalError('over-limit', 'this would take too long: ask for less')
    await new Promise((resolve) => setImmediate(resolve))
    this.#stretchEnds = performance.now() + STRETCH
  }
}
