/**
 * Queries of trackers, by hand: their values are bytes, which URLSearchParams would read as UTF-8 and spoil.
 * A `+` is a plus, as RFC 3986 has it and stock trackers read it.
 */
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

/** Values by name, still percent-encoded, in the order in which they came. */
export type Query = ReadonlyMap<string, readonly string[]>

/**
 * A leading `?` is let pass; a name without `=` has an empty value.
 * @throws ShoalError `over-limit` when it is longer than `charsMax`.
 */
export function parseQuery(raw: string, charsMax: number = limits.announceQueryCharsMax): Query {
  if (raw.length > charsMax)
    throw new ShoalError('over-limit', `the query is longer than ${charsMax} characters`)
  const query = new Map<string, string[]>()
  for (const pair of (raw.startsWith('?') ? raw.slice(1) : raw).split('&')) {
    const cut = pair.indexOf('=')
    const name = cut === -1 ? pair : pair.slice(0, cut)
    const value = cut === -1 ? '' : pair.slice(cut + 1)
    const values = query.get(name)
    if (values === undefined) query.set(name, [value])
    else values.push(value)
  }
  return query
}

/** The one value of `name`; undefined when absent. @throws ShoalError `bad-input` when it is there twice. */
export function oneOf(query: Query, name: string): string | undefined {
  const values = query.get(name)
  if (values !== undefined && values.length > 1) throw new ShoalError('bad-input', `${name} is there twice`)
  return values?.[0]
}

/** @throws ShoalError `bad-input` for a `%` without two hex digits and for characters that a URL cannot have. */
export function percentDecode(text: string, what: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x25) {
      const high = hexDigit(text.charCodeAt(i + 1))
      const low = hexDigit(text.charCodeAt(i + 2))
      if (high < 0 || low < 0) throw new ShoalError('bad-input', `${what}: a % without two hex digits`)
      bytes[length++] = (high << 4) | low
      i += 2
    } else if (code > 0x20 && code < 0x7f) bytes[length++] = code
    else throw new ShoalError('bad-input', `${what}: a character that no URL has`)
  }
  return bytes.subarray(0, length)
}

/** Every byte but RFC 3986's unreserved ones becomes `%XX`. */
export function percentEncode(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += SPELLING[byte] ?? ''
  return text
}

const SPELLING: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
