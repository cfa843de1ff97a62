/**
 * The catalogue: bundles, their releases, and the info bytes of these. It knows nothing of who may see what,
 * except that a list can be seen through somebody's eyes. Every implementation must pass
 * `test/contract/catalogue.contract.ts`.
 *
 * - What a method returns is on the disk.
 * - Absent things are `undefined`, never an error, unless a method says so.
 * - An infohash belongs to one release for ever, also when that is recalled.
 * - Changes are audited and, where trackers or origins care, told in the control feed, in the same transaction.
 */
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import type { EpochMillis } from '../../core/units.ts'
import type { Kind } from '../../core/kinds.ts'
import type { Torrent } from '../../core/metainfo.ts'
import type { Bundle, BundleChange, Release, zFile } from '../../wire/api.ts'
import type { z } from 'zod'
import type { Page } from '../cursor.ts'

/** A release with what belongs to it but its bytes. */
export interface StoredRelease extends Release {
  readonly bundle: Slug
  readonly contentName: string
  readonly isSingleFile: boolean
}

export type ReleaseFile = Readonly<z.infer<typeof zFile>>

export interface BundleDraft {
  readonly title: string
  /** Taken as it is, or `conflict`. Without it the title makes one that is free. */
  readonly wanted?: Slug | undefined
  readonly description: string
  readonly tags: readonly string[]
  readonly audience: readonly string[]
  readonly owner: string
}

export interface ReleaseDraft {
  readonly bundle: Slug
  /** Taken as it is, or `conflict`. Without it the next number. */
  readonly name?: ReleaseName | undefined
  readonly torrent: Torrent
  readonly notes: string
  readonly admit: 'any' | 'ours'
  readonly rights: string
  readonly publishedBy: string
  /** When it is recalled by itself, in milliseconds since 1970. */
  readonly expiresAt?: EpochMillis | undefined
}

export interface AddedRelease {
  readonly release: StoredRelease
  readonly isNew: boolean
}

/** Whose bundles a list holds: all, or those of an owner or an audience. */
export type Eyes = 'all' | { readonly owner: string; readonly audience: readonly string[] }

export interface BundleQuery {
  readonly eyes: Eyes
  /** Words, each of which must begin a word of the bundle's texts or file names. */
  readonly q?: string | undefined
  readonly tag?: string | undefined
  readonly kind?: Kind | undefined
  /** Without words: newest first, or by title. */
  readonly sort?: 'newest' | 'title' | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface FoundBundles extends Page<Bundle> {
  /** The words that were looked for in place of those given, which are in nothing; further pages are asked for by them. */
  readonly instead?: string
}

/** What happens to a release; `state.ts` says where it leads. */
export type ReleaseHappening =
  | { readonly kind: 'complete' }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'recalled'; readonly reason: string }

export interface WantedRelease {
  readonly infohash: InfoHash
  readonly bundle: Slug
  readonly release: ReleaseName
  readonly sizeBytes: number
  readonly admit: 'any' | 'ours'
}

export interface Catalogue {
  /** @throws ShoalError `conflict` when the wanted name is taken. */
  createBundle(draft: BundleDraft): Promise<Bundle>
  /** What is absent stays. Guests stay, but those whom the audience has now. @throws ShoalError `not-found`. */
  changeBundle(slug: Slug, change: BundleChange, by: string): Promise<Bundle>
  bundle(slug: Slug): Promise<Bundle | undefined>
  /**
   * In the order of `sort`; with `q` best first. Words with a slip find what was meant, where nothing has them as they are.
   * @throws ShoalError `bad-input` for a cursor of another list.
   */
  bundles(query: BundleQuery): Promise<FoundBundles>
  /**
   * A release in the state `uploading`. The same publisher repeating it for the same bundle before it is live
   * gets what is there, `isNew: false`.
   * @throws ShoalError `not-found` without the bundle; `conflict` when the infohash or the name is taken.
   */
  addRelease(draft: ReleaseDraft): Promise<AddedRelease>
  release(bundle: Slug, name: ReleaseName): Promise<StoredRelease | undefined>
  /** The newest that is live. */
  latest(bundle: Slug): Promise<StoredRelease | undefined>
  releaseOf(infohash: InfoHash): Promise<StoredRelease | undefined>
  /** Newest first, at most `limit`. */
  releases(bundle: Slug, limit: number): Promise<readonly StoredRelease[]>
  /** Empty for an infohash that is nobody's. */
  files(infohash: InfoHash): Promise<readonly ReleaseFile[]>
  infoBytes(infohash: InfoHash): Promise<Uint8Array | undefined>
  /** The new state; undefined when nothing changed: no such release, or it leads nowhere from where it is. */
  happen(infohash: InfoHash, happening: ReleaseHappening, by: string): Promise<StoredRelease | undefined>
  /** Those that wait for an origin, oldest first. */
  wanted(limit: number): Promise<readonly WantedRelease[]>
  recalled(): Promise<readonly InfoHash[]>
  /** Those not recalled whose time is over. */
  expired(): Promise<readonly InfoHash[]>
}
