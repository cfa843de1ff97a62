/** Hostile inputs too large to be kept as files: made by rule, the same each time. */
import { MiB } from '../../src/core/units.ts'

const ROOM_BYTES = 4 * MiB - 300

/** A private .torrent that lists as many files as fit in 4 MiB, at most 100,000; only the first is not empty. */
function torrentOf(partsOf: (i: number) => string[]): Uint8Array {
  const files: string[] = []
  for (let i = 0, bytes = 0; files.length < 100_000; i++) {
    const parts = partsOf(i).map((part) => `${Buffer.byteLength(part)}:${part}`)
    const file = `d6:lengthi${i === 0 ? 1 : 0}e4:pathl${parts.join('')}ee`
    bytes += Buffer.byteLength(file)
    if (bytes > ROOM_BYTES) break
    files.push(file)
  }
  return torrentWith(files.join(''))
}

const torrentWith = (files: string): Uint8Array =>
  Buffer.from(
    `d4:infod5:filesl${files}e4:name1:x12:piece lengthi16384e6:pieces20:${'p'.repeat(20)}7:privatei1eee`,
  )

const n = (i: number): string => `f${i.toString(36)}`

/** Torrents that take longest to read, each for another reason; none may stall whoever reads it. */
export const LARGE_TORRENTS: Readonly<Record<string, () => Uint8Array>> = {
  '100,000 files': () => torrentOf((i) => [n(i)]),
  '1,000,000 files': () => torrentWith('d6:lengthi0e4:pathl1:aee'.repeat(1_000_000)),
  'deep folders with accents': () =>
    torrentOf((i) => Array.from({ length: 60 }, (_, k) => `é${n(60 * i + k)}`)),
  'names that normalise slowly': () => torrentOf((i) => [`${'\u0f73'.repeat(60)}${n(i)}`]),
  'more values than any torrent has': () => Buffer.from(`d4:infol${'i0e'.repeat(500_001)}ee`),
  'one string of 4 MiB': () => Buffer.from(`d4:info${ROOM_BYTES}:${'x'.repeat(ROOM_BYTES)}e`),
}

/** JSON that is within the bound of a body and unpleasant all the same. */
export const LARGE_JSON: Readonly<Record<string, () => Uint8Array>> = {
  'nested 500,000 deep': () => Buffer.from('['.repeat(500_000)),
  'nested 250,000 deep, closed': () => Buffer.from('['.repeat(250_000) + ']'.repeat(250_000)),
  '90,000 keys': () => Buffer.from(`{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":0`).join(',')}}`),
  '100,000 tags': () =>
    Buffer.from(JSON.stringify({ title: 'x', tags: Array.from({ length: 100_000 }, () => 'a') })),
  'a title of 1 MB': () => Buffer.from(JSON.stringify({ title: 'x'.repeat(1_000_000) })),
  'the key __proto__': () => Buffer.from('{"__proto__":{"role":"admin"},"title":"x"}'),
  'a number of 1,000,000 digits': () => Buffer.from(`{"title":${'9'.repeat(1_000_000)}}`),
}
