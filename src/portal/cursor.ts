/**
 * Cursors of lists: where the last page ended, opaque to callers. base64url of JSON, read back strictly: a
 * cursor is foreign text like any other.
 */
import type { z } from 'zod'
import { ShoalError } from '../core/errors.ts'

/** Longer than any that we make. */
const CURSOR_CHARS_MAX = 512

export function formatCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/**
 * `undefined` for no cursor.
 * @throws ShoalError `bad-input` for what no list of this shape gave out.
 */
export function parseCursor<T extends z.ZodType>(
  shape: T,
  text: string | undefined,
): z.output<T> | undefined {
  if (text === undefined) return undefined
  try {
    if (text.length > CURSOR_CHARS_MAX) throw new RangeError('too long')
    return shape.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch (cause) {
    throw new ShoalError('bad-input', 'this cursor is not one of this list: begin again without it', {
      cause,
    })
  }
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/** Rows were asked for with `limit + 1`: the one too many says that there is another page. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  parts: { item: (row: R) => T; position: (row: R) => readonly (string | number)[] },
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? formatCursor(parts.position(last)) : null
  return { items: shown.map(parts.item), nextCursor }
}
