/**
 * Announce URLs from a link of one release, replaced when the tracker refuses its grant. A tracker that refuses
 * whatever we bring must not make us ask for grants as fast as it answers: each is an audit row.
 */
import { messageOf } from '../core/errors.ts'
import type { ReleaseName, Slug } from '../core/ids.ts'
import { minutes, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { parseMagnet } from '../wire/magnet.ts'
import type { SeederPortal } from './portal.ts'

export interface LinkUrlsParts {
  readonly clock: Clock
  readonly log: Logger
  readonly portal: Pick<SeederPortal, 'createLink'>
}

/** A large release over a slow line takes days. */
const GRANT_SECONDS = 7 * 24 * 3_600
const RENEW_EVERY = minutes(1)

export class LinkUrls {
  readonly #parts: LinkUrlsParts
  readonly #ask: () => Promise<readonly string[]>
  #urls: readonly string[] = []
  #askedAt: Millis

  private constructor(parts: LinkUrlsParts, ask: () => Promise<readonly string[]>) {
    this.#parts = parts
    this.#ask = ask
    this.#askedAt = parts.clock.now()
  }

  /** Resolves when there is a link. @throws ShoalError when the portal gives none. */
  static async open(
    parts: LinkUrlsParts,
    place: { readonly bundle: Slug; readonly release: ReleaseName },
    signal: AbortSignal,
  ): Promise<LinkUrls> {
    const body = { expiresInSeconds: GRANT_SECONDS }
    const urls = new LinkUrls(parts, async () => {
      const link = await parts.portal.createLink(place.bundle, place.release, body, signal)
      return parseMagnet(link.magnet).trackers
    })
    urls.#urls = await urls.#ask()
    return urls
  }

  /** For the engine's `announceUrls`. */
  readonly current = (): readonly (readonly string[])[] => [this.#urls]

  /** The tracker refused: gets a fresh link, at most once a minute, and then calls `onFresh`. Never throws. */
  async refused(onFresh: () => void): Promise<void> {
    const { clock, log } = this.#parts
    const now = clock.now()
    if (now - this.#askedAt < RENEW_EVERY) return
    this.#askedAt = now
    try {
      this.#urls = await this.#ask()
      onFresh()
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'no fresh grant to announce with')
    }
  }
}
