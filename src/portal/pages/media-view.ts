/** What pages show of media and kinds: texts only. Pure. */
import { KINDS, kindOfName, type Kind } from '../../core/kinds.ts'
import { lengthText } from '../../core/length-text.ts'
import type { Bundle, Release } from '../../wire/api.ts'

const NAMES: Readonly<Record<Kind, string>> = {
  video: 'Videos',
  audio: 'Audio',
  image: 'Pictures',
  document: 'Documents',
  archive: 'Archives',
  software: 'Software',
  other: 'Other',
}

/** Of several things of the kind. */
export const kindText = (kind: Kind): string => NAMES[kind]

/** The choice of a kind above a list; `url` is of the list with this kind, or of all. */
export function kindLinks(chosen: Kind | undefined, url: (kind: string) => string): object[] {
  return [
    { text: 'All', url: url(''), isChosen: chosen === undefined },
    ...KINDS.map((kind) => ({ text: kindText(kind), url: url(kind), isChosen: kind === chosen })),
  ]
}

/** A picture, or a sign for its kind where there is none. */
export function posterOf({ bundle, title, kind = 'other' }: Bundle, release: Release | null): object {
  const tag = release?.posterTag
  return {
    kind,
    ...(release !== null &&
      tag !== undefined && {
        url: `/api/v1/bundles/${bundle}/releases/${release.name}/poster?v=${encodeURIComponent(tag)}`,
        alt: `A picture from “${title}”`,
      }),
  }
}

/** Empty where nobody has said. */
export function mediaOf({ media }: Release): { readonly length?: string; readonly pixels?: string } {
  const { durationSeconds, widthPx, heightPx } = media ?? {}
  return {
    ...(durationSeconds !== undefined && { length: lengthText(durationSeconds) }),
    ...(widthPx !== undefined && heightPx !== undefined && { pixels: `${widthPx} × ${heightPx}` }),
  }
}

/** For who may change it; undefined for what is no media. */
export function checkOf({ media }: Release, warnings: readonly string[]): object | undefined {
  if (media === undefined) return undefined
  return { sentence: media.playsInBrowsers ? 'Plays in most browsers.' : undefined, warnings }
}

/** Of a file: what browsers play is called so, though not all that is called so is played. */
const PLAYED_NAME = /\.(mp4|m4v|webm|mov|mp3|m4a|m4b|aac|ogg|oga|opus|flac|wav)$/i

/** Where it plays in the browser, or why it does not. */
export type Watch = { readonly url: string } | { readonly why: string }

/**
 * Undefined for what is not to be had now, or has nothing to play. That browsers play only some of several files is no reason
 * to keep the others from them.
 */
export function watchOf(
  bundle: string,
  { name, state, media, files, contentName }: Pick<Release, 'name' | 'state' | 'media'> & WatchedFiles,
): Watch | undefined {
  if (state !== 'live' || media === undefined) return undefined
  const names = files.map(({ path }) => (path === '' ? contentName : path)).filter(isMediaName)
  if (media.playsInBrowsers || (names.length > 1 && names.some((file) => PLAYED_NAME.test(file))))
    return { url: `/bundles/${bundle}/releases/${name}/watch` }
  const what = media.kind === 'video' ? 'video' : 'sound'
  return {
    why: `Browsers do not play this kind of ${what}: fetch it and play it with VLC or mpv, or with "shoal play ${bundle}@${name}".`,
  }
}

interface WatchedFiles {
  readonly contentName: string
  readonly files: readonly { readonly path: string }[]
}

function isMediaName(name: string): boolean {
  const kind = kindOfName(name)
  return kind === 'video' || kind === 'audio'
}

/** For a card; undefined while it plays, or nobody has said. */
export function unplayedText({ media }: Release): string | undefined {
  if (media?.playsInBrowsers !== false) return undefined
  return 'browsers do not play all of it'
}

const DAY_MS = 24 * 3_600_000

/** How fresh it is, in words where it is fresh; `now` in milliseconds since 1970. */
export function freshness(iso: string, now: number, dateText: (iso: string) => string): string {
  const days = Math.floor(now / DAY_MS) - Math.floor(Date.parse(iso) / DAY_MS)
  if (days < 0 || days > 6) return dateText(iso)
  return days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`
}
