/**
 * Makes a hashed release known to the portal. May be repeated after a crash at any point: it finds the bundle
 * and the release that an earlier attempt made, and makes no second one.
 */
import { ShoalError } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import { slug, slugOfTitle, type InfoHash, type ReleaseName, type Slug } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { BundleDetail, NewReleaseQuery } from '../wire/api.ts'
import { encodeTorrent } from '../wire/torrent.ts'
import type { SeederPortal } from './portal.ts'

export interface Listing {
  readonly title: string
  /** Its place, when it has one: made when it is missing. Without it, a bundle of the title. */
  readonly bundle?: Slug
  readonly audience: readonly string[]
  readonly tags?: readonly string[]
  readonly description?: string
  /** Without it: the next number. */
  readonly release?: ReleaseName
  readonly notes?: string
  readonly admit?: 'any' | 'ours'
  /** Who vouches for the content. */
  readonly rights?: string
}

export interface Registered {
  readonly bundle: Slug
  readonly release: ReleaseName
  /** As the portal has it, whatever was wished. */
  readonly admit: 'any' | 'ours'
}

/** How many bundles of one title are looked at for one that an earlier attempt left. */
const SAME_TITLE_MAX = 50

type Portal = Pick<SeederPortal, 'me' | 'bundle' | 'createBundle' | 'addRelease'>

/**
 * @throws ShoalError `conflict` when the content is published already elsewhere, or the release's name is
 *   taken; `not-granted`; `unavailable` when the portal does not answer.
 */
export async function register(
  portal: Portal,
  torrent: Pick<Torrent, 'infoHash' | 'infoBytes'>,
  listing: Listing,
  signal?: AbortSignal,
): Promise<Registered> {
  const there =
    listing.bundle === undefined
      ? await leftByEarlierAttempt(portal, listing.title, torrent.infoHash, signal)
      : await bundleOrNone(portal, listing.bundle, signal)
  const known = there === undefined ? undefined : registeredIn(there, torrent.infoHash)
  if (known !== undefined) return known
  const bundle = there?.bundle ?? (await create(portal, listing, signal))
  try {
    const bytes = encodeTorrent({ infoBytes: torrent.infoBytes, announce: [] })
    const release = await portal.addRelease(bundle, bytes, queryOf(listing), signal)
    return { bundle, release: release.name, admit: release.admit }
  } catch (error) {
    if (!(error instanceof ShoalError) || error.code !== 'conflict') throw error
    // An attempt whose answer never arrived may have added it.
    const now = registeredIn(await portal.bundle(bundle, signal), torrent.infoHash)
    if (now !== undefined) return now
    throw error
  }
}

function registeredIn(detail: BundleDetail, hash: InfoHash): Registered | undefined {
  const release = detail.releases.find((one) => one.infohash === hash)
  if (release === undefined) return undefined
  return { bundle: detail.bundle, release: release.name, admit: release.admit }
}

/** A bundle of ours of this title that has the release already, or that was made and got none. */
async function leftByEarlierAttempt(
  portal: Portal,
  title: string,
  hash: InfoHash,
  signal: AbortSignal | undefined,
): Promise<BundleDetail | undefined> {
  const base = slugOfTitle(title)
  let user: string | undefined
  for (let n = 1; n <= SAME_TITLE_MAX; n++) {
    const detail = await bundleOrNone(portal, n === 1 ? base : slug(`${base}-${n}`), signal)
    if (detail === undefined) return undefined
    user ??= (await portal.me(signal)).user
    const isLeft = detail.releases.length === 0 && detail.title === title.trim()
    if (detail.owner === user && (isLeft || registeredIn(detail, hash) !== undefined)) return detail
  }
  return undefined
}

async function create(portal: Portal, listing: Listing, signal: AbortSignal | undefined): Promise<Slug> {
  const { title, bundle, audience, tags, description } = listing
  const made = await portal.createBundle(
    {
      title,
      ...(bundle === undefined ? {} : { bundle }),
      audience: [...audience],
      ...(tags === undefined ? {} : { tags: [...tags] }),
      ...(description === undefined ? {} : { description }),
    },
    signal,
  )
  if (bundle !== undefined && made.bundle !== bundle)
    throw new ShoalError(
      'conflict',
      `the portal named the bundle ${quote(made.bundle)} instead of ${quote(bundle)}`,
    )
  return made.bundle
}

async function bundleOrNone(
  portal: Portal,
  name: Slug,
  signal: AbortSignal | undefined,
): Promise<BundleDetail | undefined> {
  try {
    return await portal.bundle(name, signal)
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'not-found') return undefined
    throw error
  }
}

function queryOf({ release, notes, admit, rights }: Listing): NewReleaseQuery {
  return {
    ...(release === undefined ? {} : { release }),
    ...(notes === undefined ? {} : { notes }),
    ...(admit === undefined ? {} : { admit }),
    ...(rights === undefined ? {} : { rights }),
  }
}
