/** What the pages of publishing may call; who may see and do what is decided here. */
import type { ReleaseName, Slug } from '../core/ids.ts'
import {
  zDraftChange,
  zNewDraft,
  type Draft,
  type DraftChange,
  type DraftFile,
  type LibraryListing,
  type ReleaseState,
  type Review,
} from '../wire/api.ts'
import { limits } from '../wire/limits.ts'
import type { Account } from './account.ts'
import type { Page } from './cursor.ts'
import { may } from './policy.ts'
import {
  changeDraft,
  createDraft,
  deleteDraft,
  listDraftFiles,
  listDrafts,
  listLibrary,
  mendDraftFile,
  removeDraftFile,
  reviewDraft,
  showDraft,
  stopMending,
  submitDraft,
  takeBackDraft,
} from './publishing/draft-access.ts'
import type { Services } from './services.ts'

/** A draft that has become a release, and how that is. */
export interface PublishedAs {
  readonly bundle: Slug
  readonly release: ReleaseName
  readonly state: ReleaseState
  readonly reason: string | undefined
}

export interface PublishingPages {
  /** There is a page for them. */
  mayPublish(account: Account): boolean
  /** False where no origin is beside the portal: then nothing can be published here. */
  isPossible(): boolean
  /** There is a library to choose from. */
  mayChoose(account: Account): boolean
  library(account: Account, path: string): Promise<LibraryListing>
  list(account: Account, cursor: string | undefined): Promise<Page<Draft>>
  /** @throws ShoalError as the API does; ZodError. */
  create(account: Account, wish: { readonly bundle?: string; readonly libraryPath?: string }): Promise<Draft>
  draft(account: Account, id: string): Promise<Draft>
  files(account: Account, id: string): Promise<Page<DraftFile>>
  publishedAs(draft: Draft): Promise<PublishedAs | undefined>
  review(account: Account, id: string): Promise<Review>
  change(account: Account, id: string, change: { readonly [K in keyof DraftChange]: unknown }): Promise<void>
  submit(account: Account, id: string): Promise<void>
  takeBack(account: Account, id: string): Promise<void>
  remove(account: Account, id: string): Promise<void>
  removeFile(account: Account, id: string, path: string): Promise<void>
  mend(account: Account, id: string, path: string): Promise<void>
  stopMending(account: Account, id: string, path: string): Promise<void>
}

const PAGE = { limit: limits.pageItemsDefault }

export function publishingPages(services: Services): PublishingPages {
  const { publishing } = services
  return {
    mayPublish: (account) => may(account, { kind: 'create-bundle' }),
    isPossible: () => publishing.maker() !== undefined,
    mayChoose: (account) =>
      may(account, { kind: 'choose-from-library' }) && publishing.maker()?.library !== undefined,
    library: (account, path) => listLibrary(services, account, path),
    list: (account, cursor) => listDrafts(services, account, { ...PAGE, cursor }),
    create: (account, wish) => createDraft(services, account, zNewDraft.parse(wish)),
    draft: (account, id) => showDraft(services, account, id),
    files: (account, id) => listDraftFiles(services, account, { id, limit: limits.pageItemsMax }),
    async publishedAs({ infohash, state }) {
      if (state !== 'published' || infohash === undefined) return undefined
      const release = await services.catalogue.releaseOf(infohash)
      return (
        release && {
          bundle: release.bundle,
          release: release.name,
          state: release.state,
          reason: release.reason,
        }
      )
    },
    review: (account, id) => reviewDraft(services, account, id),
    async change(account, id, change) {
      await changeDraft(services, account, id, zDraftChange.parse(change))
    },
    async submit(account, id) {
      await submitDraft(services, account, id)
    },
    async takeBack(account, id) {
      await takeBackDraft(services, account, id)
    },
    remove: (account, id) => deleteDraft(services, account, id),
    mend: (account, id, path) => mendDraftFile(services, account, id, path),
    stopMending: (account, id, path) => stopMending(services, account, id, path),
    removeFile: (account, id, path) => removeDraftFile(services, account, id, path),
  }
}
