/**
 * Tries whether a peer can be dialled, for the peer itself: only its own address, only a port that may be
 * announced, a few times a minute, and nothing is sent. So nobody can have us knock on somebody else's door.
 */
import type { Clock } from '../platform/clock.ts'
import type { DialProbe } from '../platform/dial-probe.ts'
import { limits } from '../wire/limits.ts'
import type { ReachReply } from '../wire/reach.ts'
import type { AddressFacts } from './address-book.ts'
import { MinuteLimiter } from './minute-limiter.ts'
import { refusals, type Refusal } from './refusals.ts'

export interface ReachTesterParts {
  readonly clock: Clock
  readonly dial: DialProbe
}

export class ReachTester {
  readonly #dial: DialProbe
  readonly #tests: MinuteLimiter
  #underWay = 0

  constructor({ clock, dial }: ReachTesterParts) {
    this.#dial = dial
    this.#tests = new MinuteLimiter({ clock }, { perMinuteMax: limits.reachTestsPerMinuteMax })
  }

  async test(
    from: AddressFacts,
    port: number,
  ): Promise<{ readonly reply: ReachReply } | { readonly refusal: Refusal }> {
    if (!from.isListable) return { refusal: refusals.addressRefused(from.host) }
    if (port < limits.peerPortMin) return { refusal: refusals.portRefused(limits.peerPortMin) }
    if (this.#tests.isLimited(from.host) || this.#underWay >= limits.reachTestsMax)
      return { refusal: refusals.tooManyTests }
    this.#tests.count(from.host)
    this.#underWay++
    try {
      const outcome = await this.#dial({ host: from.host, port }, limits.reachTestTimeout)
      return { reply: { host: from.host, isReachable: outcome === 'open' } }
    } finally {
      this.#underWay--
    }
  }
}
