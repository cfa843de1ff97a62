/** What pages show, made from what the catalogue holds: texts only, all decisions made. Pure. */
import prettyBytes from 'pretty-bytes'
import { unreachable } from '../../core/errors.ts'
import type { InfoHash } from '../../core/ids.ts'
import type { Bundle, BundleDetail, Guest, Link, Release, ReleaseState } from '../../wire/api.ts'
import { checkOf, freshness, mediaOf, posterOf, unplayedText, watchOf } from './media-view.ts'

type ReleaseDetail = BundleDetail['releases'][number]

/** A table of more files than this is no longer read; the .torrent has them all. */
const FILES_SHOWN_MAX = 500

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

export const dateText = (iso: string): string => DATE.format(new Date(iso))
export const momentText = (iso: string): string => `${MOMENT.format(new Date(iso))} UTC`

/** A state in the words of a viewer. */
export function stateText(state: ReleaseState): string {
  switch (state) {
    case 'draft':
      return 'draft'
    case 'uploading':
      return 'being copied to the server'
    case 'hashing':
    case 'scanning':
      return 'being checked'
    case 'live':
      return 'available'
    case 'missing':
      return 'not available now'
    case 'recalled':
      return 'recalled'
    case 'failed':
      return 'failed'
    default:
      return unreachable(state)
  }
}

/** `now`: milliseconds since 1970. */
export function cardOf(bundle: Bundle, now: number): object {
  const { latest } = bundle
  return {
    poster: posterOf(bundle, latest),
    ...(latest !== null && { fresh: freshness(latest.publishedAt, now, dateText) }),
    bundle: bundle.bundle,
    title: bundle.title,
    description: bundle.description,
    tags: bundle.tags,
    latest: latest === null ? undefined : { ...summaryOf(latest), unplayed: unplayedText(latest) },
  }
}

function summaryOf(release: Release): object {
  return {
    ...mediaOf(release),
    name: release.name,
    size: prettyBytes(release.sizeBytes),
    publishedAt: release.publishedAt,
    date: dateText(release.publishedAt),
    stateText: stateText(release.state),
  }
}

export interface BundlePage {
  readonly bundle: BundleDetail
  readonly wanted: string | undefined
  readonly link: Link | undefined
  /** For whoever may let others in. */
  readonly guests: readonly Guest[] | undefined
  /** Who has all of a release, beside the server; undefined where that is not known. */
  readonly colleagues: (infohash: InfoHash) => number | undefined
  /** What is the matter with its media, for who may change it; undefined for others. */
  readonly warnings: readonly string[] | undefined
}

/** The release that is shown: by name, else the newest live, else the newest. */
export const shownOf = ({ releases }: BundleDetail, wanted: string | undefined): ReleaseDetail | undefined =>
  releases.find((release) => release.name === wanted) ??
  releases.find((release) => release.state === 'live') ??
  releases[0]

export function bundlePageOf({ bundle, wanted, link, guests, colleagues, warnings }: BundlePage): object {
  const shown = shownOf(bundle, wanted)
  return {
    poster: posterOf(bundle, shown ?? null),
    check: shown && warnings && checkOf(shown, warnings),
    bundle: {
      title: bundle.title,
      description: bundle.description,
      owner: bundle.owner,
      audience: bundle.audience.join(', '),
      tags: bundle.tags,
      slug: bundle.bundle,
      changeUrl: `/bundles/${bundle.bundle}/change`,
    },
    release:
      shown === undefined
        ? undefined
        : {
            ...releaseOf(shown),
            ...forOursOf(bundle.bundle, shown),
            available: availableText(shown.state, colleagues(shown.infohash)),
            watch: watchOf(bundle.bundle, shown),
          },
    recallUrl: `/bundles/${bundle.bundle}/releases/${shown?.name ?? ''}/recall`,
    qrUrl: `/bundles/${bundle.bundle}/qr.svg`,
    linkUrl: `/bundles/${bundle.bundle}/releases/${shown?.name ?? ''}/links`,
    releases: bundle.releases.map((release) => ({
      ...summaryOf(release),
      url: `/bundles/${bundle.bundle}/releases/${release.name}`,
      isShown: release === shown,
    })),
    guests: guests?.map(({ name, until, by }) => ({
      name,
      by,
      end: until === null ? 'without an end' : `until ${momentText(until)}`,
    })),
    guestsUrl: `/bundles/${bundle.bundle}/guests`,
    link: link === undefined || shown === undefined ? undefined : linkOf(bundle.bundle, shown.name, link),
  }
}

function releaseOf(release: ReleaseDetail): object {
  const { files } = release
  const hidden = files.length - FILES_SHOWN_MAX
  return {
    ...summaryOf(release),
    isLive: release.state === 'live',
    isRecallable: release.state !== 'recalled',
    reason: release.reason,
    notes: release.notes,
    rights: release.rights,
    ends:
      release.state === 'live' && release.expiresAt !== undefined ? momentText(release.expiresAt) : undefined,
    infohash: release.infohash,
    pieceLength: prettyBytes(release.pieceLengthBytes, { binary: true }),
    fileCount: files.length === 1 ? '1 file' : `${files.length} files`,
    files: files.slice(0, FILES_SHOWN_MAX).map((file) => ({
      path: file.path === '' ? release.contentName : file.path,
      size: prettyBytes(file.sizeBytes),
    })),
    moreFiles: hidden > 0 ? `and ${hidden} more: the .torrent lists them all` : undefined,
  }
}

/** From where it comes; undefined for what is not to be had. */
function availableText(state: ReleaseState, colleagues: number | undefined): string | undefined {
  if (state !== 'live') return undefined
  if (colleagues === undefined || colleagues === 0) return 'from the company server'
  return `from the company server and ${colleagues === 1 ? '1 colleague' : `${colleagues} colleagues`}`
}

/** The command in place of a link, for a release that is for our clients only. */
function forOursOf(bundle: string, { admit, name }: ReleaseDetail): { forOurs?: string } {
  return admit === 'ours' ? { forOurs: `shoal get ${bundle}@${name} --out .` } : {}
}

function linkOf(bundle: string, release: string, link: Link): object {
  return {
    torrentUrl: link.torrentUrl,
    magnet: link.magnet,
    pageUrl: link.pageUrl,
    grant: link.grant.id,
    expiresAt: link.grant.expiresAt,
    until: momentText(link.grant.expiresAt),
    command: `shoal get ${bundle}@${release} --portal ${new URL(link.torrentUrl).origin} --out .`,
  }
}
