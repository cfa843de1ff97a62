/** What a file of a release is sent as: media and captions by their names, and everything else as bytes that nothing shows. */
import {
  BROWSER_AUDIO_TYPES,
  BROWSER_VIDEO_TYPES,
  type MediaTypes,
  typeByName,
} from '../../core/media-type.ts'

const TYPES: MediaTypes = {
  ...BROWSER_VIDEO_TYPES,
  mov: 'video/mp4', // browsers play what they know of it under this name only
  ...BROWSER_AUDIO_TYPES,
  vtt: 'text/vtt; charset=utf-8',
}

export const mediaTypeOf = (path: string): string => typeByName(TYPES, path) ?? 'application/octet-stream'

/** By its name: what is really inside is said at publish. */
export const isPlayable = (path: string): boolean => /^(?:video|audio)\//.test(mediaTypeOf(path))

export const isSound = (path: string): boolean => mediaTypeOf(path).startsWith('audio/')

export interface Captions {
  readonly file: number
  /** As people call it: what stands between the film's name and the ending, or nothing. */
  readonly label: string
  /** BCP 47, where the label is a language. */
  readonly language: string | undefined
}

/** WebVTT beside the film, by its name: `Ladders.vtt`, `Ladders.de.vtt`. */
export function captionsOf(
  files: readonly { readonly path: string }[],
  film: number,
  most: number,
): readonly Captions[] {
  const base = files[film]?.path.replace(/\.[^./]*$/, '')
  if (base === undefined) return []
  const found: Captions[] = []
  for (const [file, { path }] of files.entries()) {
    if (found.length >= most) break
    if (!path.toLowerCase().endsWith('.vtt') || !path.startsWith(base)) continue
    const between = path.slice(base.length, -'.vtt'.length)
    if (between !== '' && !/^[.\-_ ]/.test(between)) continue
    const label = between.replace(/^[.\-_ ]+/, '').slice(0, 60)
    found.push({ file, label: label === '' ? 'Captions' : nameOf(label), language: languageOf(label) })
  }
  return found
}

const LANGUAGE = /^[a-z]{2,3}(?:-[A-Za-z]{4})?(?:-[A-Z]{2})?$/

const languageOf = (label: string): string | undefined => (LANGUAGE.test(label) ? label : undefined)

function nameOf(label: string): string {
  if (!LANGUAGE.test(label)) return label
  return new Intl.DisplayNames([label, 'en'], { type: 'language', fallback: 'code' }).of(label) ?? label
}
