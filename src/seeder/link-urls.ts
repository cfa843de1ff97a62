/**
 * Announce URLs from a link of one release, replaced when the tracker refuses its grant. A tracker that refuses
 * whatever we bring must not make us ask for grants as fast as it answers: each is an audit row.
 */
import { messageOf } from '../core/errors.ts'
import type { DeviceId, GrantId, ReleaseName, Slug } from '../core/ids.ts'
import { minutes, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { parseMagnet } from '../wire/magnet.ts'
import type { SeederPortal } from './portal.ts'

/** This machine as a device of the portal: for a release that is for our clients only. */
export interface OwnDevice {
  readonly id: DeviceId
  readonly permit: (grant: GrantId, signal?: AbortSignal) => Promise<string>
}

export interface LinkUrlsParts {
  readonly clock: Clock
  readonly log: Logger
  readonly portal: Pick<SeederPortal, 'createLink'>
  readonly device?: OwnDevice | undefined
}

interface Held {
  readonly urls: readonly string[]
  readonly permit: string | undefined
}

/** A large release over a slow line takes days. */
const GRANT_SECONDS = 7 * 24 * 3_600
const RENEW_EVERY = minutes(1)

export class LinkUrls {
  readonly #parts: LinkUrlsParts
  readonly #ask: () => Promise<Held>
  #held: Held = { urls: [], permit: undefined }
  #askedAt: Millis

  private constructor(parts: LinkUrlsParts, ask: () => Promise<Held>) {
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
    const { device } = parts
    const body = { expiresInSeconds: GRANT_SECONDS, ...(device === undefined ? {} : { device: device.id }) }
    const urls = new LinkUrls(parts, async () => {
      const link = await parts.portal.createLink(place.bundle, place.release, body, signal)
      const permit = await device?.permit(link.grant.id, signal)
      return { urls: parseMagnet(link.magnet).trackers, permit }
    })
    urls.#held = await urls.#ask()
    return urls
  }

  /** For the engine's `announceUrls`. */
  readonly current = (): readonly (readonly string[])[] => [this.#held.urls]

  /** For the engine's `permit`. */
  readonly permit = (): string | undefined => this.#held.permit

  /** The tracker refused: gets a fresh link, at most once a minute, and then calls `onFresh`. Never throws. */
  async refused(onFresh: () => void): Promise<void> {
    const { clock, log } = this.#parts
    const now = clock.now()
    if (now - this.#askedAt < RENEW_EVERY) return
    this.#askedAt = now
    try {
      this.#held = await this.#ask()
      onFresh()
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'no fresh grant to announce with')
    }
  }
}
