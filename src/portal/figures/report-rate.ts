/** How often one grant may report: more for a grant that is for many addresses. */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { GrantId } from '../../core/ids.ts'
import { minutes } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import { Attempts } from '../http/attempts.ts'
import { HttpRefusal } from '../http/problems.ts'

/** A grant key that is retired refuses all of an office at once, which is behind one address and signs in from there, too. */
const REFUSED_PER_MINUTE_MAX = 600

export class ReportRate {
  /** By address; apart from failures to sign in. */
  readonly refusals = new Attempts({ max: REFUSED_PER_MINUTE_MAX, within: minutes(1) })
  readonly #limiter = new RateLimiterMemory({
    points: limits.transferReportsPerAddressMax * limits.peersPerGrantMax,
    duration: 60,
  })

  /** @throws HttpRefusal 429. */
  async mustBeLow(id: GrantId, peersMax: number): Promise<void> {
    const cost = Math.ceil(limits.peersPerGrantMax / Math.max(1, peersMax))
    await this.#limiter.consume(id, cost).catch(() => {
      throw new HttpRefusal(
        429,
        'this grant reports more often than once in some seconds: one a minute will do',
        {
          'Retry-After': '60',
        },
      )
    })
  }
}
