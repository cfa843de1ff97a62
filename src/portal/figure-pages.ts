/** What the pages may call of figures and of who has what. */
import { ShoalError } from '../core/errors.ts'
import type { InfoHash, ReleaseName, Slug } from '../core/ids.ts'
import type { Bundle, Figures, MissingPeople, ReleaseFigurePage, WhoHasIt } from '../wire/api.ts'
import { readHolders } from './access.ts'
import type { Account } from './account.ts'
import type { Range } from './figures/figures.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

export interface FigurePages {
  /** @throws ShoalError `not-found` for whom that is no business; `bad-input` for a range that is none. */
  read(account: Account, range: Range): Promise<Figures>
  releases(
    account: Account,
    range: Range,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<ReleaseFigurePage>
  /** Who has all of it and is in its swarm; undefined where the tracker is elsewhere. */
  seeds(infohash: InfoHash): number | undefined
  mayReadHolders(account: Account, bundle: Bundle): boolean
  /** @throws ShoalError `not-found`, also for whom that is no business. */
  whoHas(account: Account, slug: Slug): Promise<WhoHasIt>
  missing(
    account: Account,
    slug: Slug,
    release: ReleaseName,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<MissingPeople>
}

export function figurePages(services: Services): FigurePages {
  const { figures, whoHas, live } = services
  const mustRead = (account: Account): void => {
    if (!may(account, { kind: 'read-figures' })) throw new ShoalError('not-found', 'no such page')
  }
  const holdersOf = async (account: Account, slug: Slug): Promise<Bundle> => {
    try {
      return await readHolders(services, account, slug)
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'not-granted')
        throw new ShoalError('not-found', 'no such page')
      throw error
    }
  }
  return {
    async read(account, range) {
      mustRead(account)
      return await figures.read(range)
    },
    async releases(account, range, page) {
      mustRead(account)
      return await figures.releases(range, page)
    },
    seeds: (infohash) => live?.seeds(infohash),
    mayReadHolders: (account, bundle) => may(account, { kind: 'read-holders', bundle }),
    whoHas: async (account, slug) => await whoHas.matrix(await holdersOf(account, slug)),
    missing: async (account, slug, release, page) =>
      await whoHas.missing(await holdersOf(account, slug), release, page),
  }
}
