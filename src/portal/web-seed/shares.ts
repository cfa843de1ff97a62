/**
 * How much of the portal's bytes each grant has had, and how many answers it has under way. In memory: after a restart
 * each grant begins anew, which costs at most one more share of it a restart.
 */
import { minutes, type Millis } from '../../core/units.ts'
import type { GrantId } from '../../core/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'
import { HttpRefusal } from '../http/problems.ts'

/** What a share is of: the grant, and the size of its release. */
export interface ShareOf {
  readonly id: GrantId
  /** When the grant ends, ms since 1970. */
  readonly expiresAt: number
  readonly sizeBytes: number
}

interface Standing {
  sentBytes: number
  answers: number
  readonly expiresAt: number
}

/** One answer under way. */
export interface WebSeedShare extends Disposable {
  /** Before its grant has had enough. */
  readonly leftBytes: number
  sent(bytes: number): void
}

const AGAIN_SOON = { 'Retry-After': '5' }
const FORGET_EVERY = minutes(1)

export class WebSeedShares {
  readonly #clock: Clock
  readonly #standings = new Map<GrantId, Standing>()
  #answers = 0
  #forgotAt: Millis | undefined

  constructor(parts: { readonly clock: Clock }) {
    this.#clock = parts.clock
  }

  /** @throws HttpRefusal 429 when the grant has had its share, 503 while it, or all together, have too many answers. */
  open({ id, expiresAt, sizeBytes }: ShareOf): WebSeedShare {
    const most = Math.floor(limits.webSeedCopiesPerGrantMax * sizeBytes)
    const standing = this.#standings.get(id) ?? this.#remember(id, expiresAt)
    if (standing.sentBytes >= most)
      throw new HttpRefusal(
        429,
        `this link has had ${limits.webSeedCopiesPerGrantMax} times the size of its release from the portal: the rest is its peers' to give, or take a fresh link`,
      )
    if (standing.answers >= limits.webSeedAnswersPerGrantMax)
      throw new HttpRefusal(
        503,
        `this link has ${limits.webSeedAnswersPerGrantMax} answers under way already`,
        AGAIN_SOON,
      )
    if (this.#answers >= limits.webSeedAnswersMax)
      throw new HttpRefusal(503, 'the web seed is busy with others', AGAIN_SOON)
    standing.answers++
    this.#answers++
    let isOver = false
    return {
      get leftBytes() {
        return Math.max(0, most - standing.sentBytes)
      },
      sent: (bytes) => {
        standing.sentBytes += bytes
      },
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        standing.answers--
        this.#answers--
      },
    }
  }

  #remember(id: GrantId, expiresAt: number): Standing {
    if (this.#standings.size >= limits.webSeedGrantsMax) this.#forgetExpired()
    if (this.#standings.size >= limits.webSeedGrantsMax)
      throw new HttpRefusal(503, 'the web seed is busy with others', AGAIN_SOON)
    const standing = { sentBytes: 0, answers: 0, expiresAt }
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
}
