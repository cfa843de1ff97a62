/** What `shoal get` was given: anything that leads to a release. */
import { existsSync } from 'node:fs'
import { ShoalError } from '../core/errors.ts'
import { releaseName, slug, type ReleaseName, type Slug } from '../core/ids.ts'

export type Target =
  | { readonly kind: 'magnet'; readonly text: string }
  | { readonly kind: 'torrent-file'; readonly path: string }
  /** `portal` when a page's URL was given. */
  | {
      readonly kind: 'bundle'
      readonly bundle: Slug
      readonly release: ReleaseName
      readonly portal?: string
    }

/** The release that a portal gives for no release in particular: the newest live one. */
export const LATEST = releaseName('latest')

const PAGE_PATH = /^\/bundles\/([a-z0-9-]{1,80})(?:\/releases\/([A-Za-z0-9._-]{1,64}))?\/?$/

/** @throws ShoalError `bad-usage` when it is none of magnet, page URL, .torrent file, BUNDLE[@RELEASE]. */
export function parseTarget(text: string): Target {
  if (/^magnet:/i.test(text)) return { kind: 'magnet', text }
  if (/^https?:\/\//i.test(text)) return ofPage(text)
  if (text.endsWith('.torrent') || existsSync(text)) return { kind: 'torrent-file', path: text }
  return ofBundle(text)
}

function ofPage(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const match = PAGE_PATH.exec(url?.pathname ?? '')
  if (url === undefined || match === null) {
    throw new ShoalError(
      'bad-usage',
      `${JSON.stringify(text.slice(0, 120))} is no page of a bundle (PORTAL/bundles/NAME)`,
    )
  }
  return {
    kind: 'bundle',
    bundle: slug(match[1] ?? ''),
    release: match[2] === undefined ? LATEST : releaseName(match[2]),
    portal: url.origin,
  }
}

function ofBundle(text: string): Target {
  const [name = '', release, ...rest] = text.split('@')
  try {
    if (rest.length > 0) throw new ShoalError('bad-usage', 'one "@" at most')
    return {
      kind: 'bundle',
      bundle: slug(name),
      release: release === undefined ? LATEST : releaseName(release),
    }
  } catch (error) {
    throw new ShoalError(
      'bad-usage',
      `${JSON.stringify(text.slice(0, 120))} is no bundle (NAME or NAME@RELEASE), magnet link, page or .torrent file`,
      { cause: error },
    )
  }
}
