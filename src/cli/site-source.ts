/** The site map of the moment, as the portal has it. */
import type { SiteMap } from '../core/site.ts'
import { SiteMap as SiteMapOf } from '../core/site.ts'
import { messageOf } from '../core/errors.ts'
import { seconds, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { PortalClient } from '../portal-client/index.ts'
import { formatSites } from '../wire/sites-file.ts'

type SiteAsker = Pick<PortalClient, 'sites'>

/** A change of the map takes effect within this. */
const REFRESH: Millis = seconds(10)

/**
 * A map that is read again every few seconds; a failed reading keeps the one before. The map is a new object only
 * when it is another map: the tracker then looks up the site of every peer anew.
 */
export class SiteSource implements Disposable {
  #map: SiteMap = new SiteMapOf([])
  readonly #stop: () => void

  private constructor(clock: Clock, log: Logger, client: SiteAsker) {
    const refresh = (): void => {
      client.sites().then(
        ({ items, unlisted }) => {
          const map = new SiteMapOf(items, unlisted)
          if (formatSites(map) !== formatSites(this.#map)) this.#map = map
        },
        (error: unknown) => {
          log.warn({ error: messageOf(error) }, 'the site map could not be read; the one before stays')
        },
      )
    }
    const timer = clock.every(REFRESH, refresh)
    this.#stop = () => {
      timer.cancel()
    }
  }

  /** Resolves when the first map is there. @throws ShoalError when the portal does not give it. */
  static async start(clock: Clock, log: Logger, client: SiteAsker): Promise<SiteSource> {
    const { items, unlisted } = await client.sites()
    const source = new SiteSource(clock, log, client)
    source.#map = new SiteMapOf(items, unlisted)
    return source
  }

  readonly current = (): SiteMap => this.#map;

  [Symbol.dispose](): void {
    this.#stop()
  }
}
