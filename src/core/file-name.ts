/**
 * Which names may become files on somebody's disk. A torrent can be made by a stranger and be opened on any
 * system, so a name must be harmless on all of them; publishing refuses by the same rules, so that what one
 * machine publishes every machine can fetch.
 */

/** Most file systems hold 255 bytes a name. */
const NAME_BYTES_MAX = 255
/** Linux's PATH_MAX is 4,096 with the folder in front; leave half for that. */
export const PATH_BYTES_MAX = 2_048

const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN_CHARACTER = /[\u0000-\u001f\u007f/\\:*?"<>|]/
// eslint-disable-next-line no-control-regex -- all of ASCII is meant
const ASCII = /^[\u0000-\u007f]*$/
const BIDI_OVERRIDE = /[\u202a-\u202e\u2066-\u2069]/

/** Why `name` may not be one part of a path; `undefined` when it may. Reads as "… is refused: it <reason>". */
export function refusalOfName(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return 'points outside its folder'
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `is longer than ${NAME_BYTES_MAX} bytes`
  if (!name.isWellFormed()) return 'is not valid Unicode'
  if (name.includes('\u0000')) return 'contains a NUL byte'
  if (FORBIDDEN_CHARACTER.test(name))
    return 'contains a character that some systems refuse (control or / \\ : * ? " < > |)'
  if (BIDI_OVERRIDE.test(name)) return 'contains characters that reverse how it reads'
  if (WINDOWS_RESERVED.test(name)) return 'is a device name on Windows'
  if (name.endsWith('.') || name.endsWith(' ')) return 'ends in a dot or a space, which Windows drops'
  return undefined
}

/** The form under which two paths collide on some file system: composed (NFC) and without case. */
export function collisionKey(path: string): string {
  // Nearly all paths are ASCII, which has one form: a torrent of 100,000 files is checked in one go.
  if (ASCII.test(path)) return path.toLowerCase()
  return path.normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * Why these paths (`/`-separated, below one folder) may not live beside each other; `undefined` when they may:
 * two that collide, or one that is both a file and a folder.
 */
export function refusalOfPaths(paths: readonly string[]): string | undefined {
  const files = new Map<string, string>()
  for (const path of paths) {
    const key = collisionKey(path)
    const other = files.get(key)
    if (other !== undefined) return `${quote(path)} and ${quote(other)} are the same file on some systems`
    files.set(key, path)
  }
  for (const [key, path] of files) {
    for (let cut = key.indexOf('/'); cut !== -1; cut = key.indexOf('/', cut + 1)) {
      const other = files.get(key.slice(0, cut))
      if (other !== undefined) return `${quote(other)} is both a file and the folder of ${quote(path)}`
    }
  }
  return undefined
}

/** A foreign name made harmless for a terminal or a log line: quoted, control characters escaped, cut. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 119)}…` : name).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
