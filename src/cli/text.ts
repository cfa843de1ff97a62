/** Numbers and tables as people read them. */
import prettyBytes from 'pretty-bytes'
import prettyMs from 'pretty-ms'

export const bytesText = (n: number): string => prettyBytes(n)
/** In powers of two, as piece lengths are: `512 KiB`. */
export const binaryBytesText = (n: number): string => prettyBytes(n, { binary: true })
export const rateText = (bps: number): string => `${prettyBytes(bps)}/s`
export const durationText = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : prettyMs(ms, { secondsDecimalDigits: 0, unitCount: 2 })
export const percentText = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${Math.round((100 * part) / whole)} %`

/** Columns padded to their widest cell; numbers (cells that begin with a digit) to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)))
  const isNumber = head.map((_, i) => rows.length > 0 && rows.every((row) => /^[\d-]/.test(row[i] ?? '')))
  const format = (row: readonly string[]): string =>
    row
      .map((cell, i) => (isNumber[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [format(head), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(format)]
}

// eslint-disable-next-line no-control-regex -- control characters are what it takes out
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Foreign text made harmless for a terminal: no escape sequences, no text that reverses how it reads. */
export const forTerminal = (text: string): string => text.replace(CONTROL, '\ufffd')
