/** How often one grant may report: more for a grant that is for many addresses. */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { GrantId } from '../../core/ids.ts'
import { limits } from '../../wire/limits.ts'
import { HttpRefusal } from '../http/problems.ts'

export class ReportRate {
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
