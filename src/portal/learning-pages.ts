/** What the pages may call of who has watched what. */
import { ShoalError } from '../core/errors.ts'
import type { InfoHash, Slug } from '../core/ids.ts'
import type { Bundle, LearningPage, OwnWatched } from '../wire/api.ts'
import { readLearning } from './access.ts'
import type { Account } from './account.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

export interface LearningPages {
  /** What the page on which somebody watches says is recorded of them; undefined where nothing is. */
  notice(account: Account): string | undefined
  /** There is something to read for this account: it is recorded, and their business. */
  mayRead(account: Account, bundle: Bundle): boolean
  /** @throws ShoalError `not-found`, also for whom that is no business. */
  page(
    account: Account,
    slug: Slug,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<LearningPage & { readonly bundle: Bundle }>
  /** What is recorded of oneself. */
  own(account: Account, infohash: InfoHash): Promise<OwnWatched>
}

export function learningPages(services: Services): LearningPages {
  const { learning, learningReport } = services
  return {
    // machines watch nothing
    notice: ({ role }) => (role === 'origin' ? undefined : learning.notice),
    mayRead: (account, bundle) => learning.isOn && may(account, { kind: 'read-learning', bundle }),
    async page(account, slug, page) {
      const bundle = await readLearning(services, account, slug).catch((error: unknown) => {
        if (error instanceof ShoalError && error.code === 'not-granted')
          throw new ShoalError('not-found', 'no such page')
        throw error
      })
      return { ...(await learningReport.page(bundle, page)), bundle }
    },
    own: ({ user }, infohash) => learning.own(user, infohash),
  }
}
