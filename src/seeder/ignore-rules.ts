/**
 * What stays at home when a folder is published: the patterns of its `.shoalignore` files (gitignore syntax;
 * a nested file speaks for its own folder and wins over those above it), the `.shoalignore` files themselves,
 * and what desktops, editors and downloads leave lying about.
 */
import ignore, { type Ignore } from 'ignore'
import { ShoalError } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'

export const IGNORE_FILE = '.shoalignore'

/** Left out of every release, in any spelling of upper and lower case. */
export const ALWAYS_IGNORED = [
  IGNORE_FILE,
  '.DS_Store', // macOS: how a folder's window looked
  'Thumbs.db', // Windows: thumbnails
  'desktop.ini', // Windows: a folder's icon
  '*.part', // downloads under way
  '*.crdownload',
  '*.aria2',
  '*.!qB',
  '.~lock*', // LibreOffice: a document that is open
  '~$*', // Microsoft Office: the same
  '*~', // editors: the state before
  '\\#*#', // Emacs: not saved yet
] as const

const LINES_MAX = 2_000
const LINE_CHARS_MAX = 512
/** Each star of a pattern is a loop when the pattern is matched: more than this is no honest file name. */
const STARS_PER_LINE_MAX = 12

interface Level {
  /** Where its patterns hold: '' or `folder/sub/`. */
  readonly prefix: string
  readonly patterns: Ignore
}

export class IgnoreRules {
  readonly #levels: readonly Level[]
  readonly #always: Ignore

  private constructor(levels: readonly Level[], always: Ignore) {
    this.#levels = levels
    this.#always = always
  }

  /** Only what is always left out. */
  static standard(): IgnoreRules {
    return new IgnoreRules([], ignore({ ignorecase: true }).add(ALWAYS_IGNORED))
  }

  /**
   * These rules and those of the file found in the folder `prefix` ('' for the root, else ending in `/`).
   *
   * @throws ShoalError `bad-input` when it has too many or too long lines.
   */
  withFile(prefix: string, text: string): IgnoreRules {
    const lines = text.split(/\r?\n/)
    if (lines.length > LINES_MAX) throw refusal(prefix, `has more than ${LINES_MAX} lines`)
    for (const line of lines) {
      if (line.length > LINE_CHARS_MAX)
        throw refusal(prefix, `has a line of over ${LINE_CHARS_MAX} characters`)
      if (line.split('*').length - 1 > STARS_PER_LINE_MAX)
        throw refusal(prefix, `has a pattern with over ${STARS_PER_LINE_MAX} stars: ${quote(line)}`)
    }
    const level = { prefix, patterns: ignore({ ignorecase: false }).add(lines) }
    return new IgnoreRules([...this.#levels, level], this.#always)
  }

  /** `path` is `/`-separated below the root; none of the folders above it is ignored. */
  isIgnored(path: string, kind: 'file' | 'folder'): boolean {
    const asked = kind === 'folder' ? `${path}/` : path
    if (this.#always.ignores(asked)) return true
    let isIgnored = false
    for (const { prefix, patterns } of this.#levels) {
      const verdict = patterns.test(asked.slice(prefix.length))
      if (verdict.ignored) isIgnored = true
      else if (verdict.unignored) isIgnored = false
    }
    return isIgnored
  }
}

function refusal(prefix: string, what: string): ShoalError {
  return new ShoalError('bad-input', `${quote(`${prefix}${IGNORE_FILE}`)} ${what}`)
}
