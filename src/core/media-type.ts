/** Media by the ends of their names, in lower case: what browsers play, and so does everything else. */

export type MediaTypes = Readonly<Record<string, string>>

export const BROWSER_VIDEO_TYPES: MediaTypes = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  ogv: 'video/ogg',
}

export const BROWSER_AUDIO_TYPES: MediaTypes = {
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  oga: 'audio/ogg',
  opus: 'audio/ogg',
  wav: 'audio/wav',
  weba: 'audio/webm',
}

/** What `types` says of a file of this name; undefined: nothing. */
export function typeByName(types: MediaTypes, path: string): string | undefined {
  const end = /\.([a-z0-9]{1,5})$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(types, end) ? types[end] : undefined
}
