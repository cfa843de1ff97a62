/** Durations, rates and sizes as people type them, for the command line and the settings; lengths as people read them. */
import { ShoalError } from './errors.ts'
import { bytesPerSecond, type BytesPerSecond, millis, type Millis } from './units.ts'

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SIZE_BYTES: Readonly<Record<string, number>> = {
  '': 1, b: 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3,
} // prettier-ignore

/** `90s`, `15m`, `24h`, `7d`, `500ms`. @throws ShoalError `bad-usage`. */
export function parseDuration(text: string): Millis {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const factor = DURATION_MS[match?.[2] ?? '']
  if (match === null || factor === undefined) {
    throw new ShoalError(
      'bad-usage',
      `${JSON.stringify(text.slice(0, 40))} is no duration: write 90s, 15m, 24h or 7d`,
    )
  }
  return millis(Number(match[1]) * factor)
}

/** `16777216`, `64k`, `20MB`, `1.5GiB` to bytes. @throws ShoalError `bad-usage`. */
export function parseSize(text: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-zA-Z]{0,3})$/.exec(text)
  const factor = SIZE_BYTES[(match?.[2] ?? 'none').toLowerCase()]
  if (match === null || factor === undefined) {
    throw new ShoalError(
      'bad-usage',
      `${JSON.stringify(text.slice(0, 40))} is no size: write 500k, 20MB or 1.5GiB`,
    )
  }
  return Math.floor(Number(match[1]) * factor)
}

/** Bytes a second: `2MB`, `2MB/s`; or bits a second: `20Mbit`, `20Mbit/s`. @throws ShoalError `bad-usage`. */
export function parseRate(text: string): BytesPerSecond {
  const plain = text.replace(/\/s$/, '')
  const bits = /^(\d{1,9}(?:\.\d{1,6})?) ?([kKMG])bit$/.exec(plain)
  const scale = { k: 1e3, K: 1e3, M: 1e6, G: 1e9 }[bits?.[2] ?? '']
  const rate = bits !== null && scale !== undefined ? (Number(bits[1]) * scale) / 8 : parseSize(plain)
  if (rate < 1) throw new ShoalError('bad-usage', `${JSON.stringify(text)} is no rate: write 2MB or 20Mbit`)
  return bytesPerSecond(rate)
}
