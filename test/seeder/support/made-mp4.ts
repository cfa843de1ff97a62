/** MP4 files made up box by box: as large as they say, with holes in place of media. */
import type { Readable } from '../../../src/seeder/media/mend/boxes.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
export const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, n) => bytes.writeUInt32BE(value, 4 * n))
  return bytes
}
export const u64 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(8 * values.length)
  values.forEach((value, n) => bytes.writeBigUInt64BE(BigInt(value), 8 * n))
  return bytes
}

export function box(type: string, ...bodies: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(bodies)
  return Buffer.concat([u32(8 + body.length), latin1(type), body])
}

/** Only its head: `sizeBytes` in all, in 64 bits. */
export const largeHead = (type: string, sizeBytes: number): Buffer =>
  Buffer.concat([u32(1), latin1(type), u64(sizeBytes)])

export const ftyp = (): Buffer => box('ftyp', latin1('isom'), u32(512), latin1('isomiso2'))
export const stco = (...offsets: readonly number[]): Buffer =>
  box('stco', u32(0, offsets.length), u32(...offsets))
export const co64 = (...offsets: readonly number[]): Buffer =>
  box('co64', u32(0, offsets.length), u64(...offsets))
/** A track with this table, and things around it that nobody knows. */
export const trak = (...tables: readonly Uint8Array[]): Buffer =>
  box(
    'trak',
    box('tkhd', Buffer.alloc(84, 1)),
    box('tref', box('chap', u32(2))),
    box('mdia', box('mdhd', Buffer.alloc(24)), box('minf', box('vmhd', Buffer.alloc(12)), box('stbl', box('stsd', u32(0, 0)), ...tables))), // prettier-ignore
  )
export const moov = (...children: readonly Uint8Array[]): Buffer =>
  box('moov', box('mvhd', Buffer.alloc(100, 2)), ...children)

/** Bytes here and there, and nothing between them. */
export class SparseFile implements Readable {
  readonly sizeBytes: number
  readonly #pieces: readonly { readonly at: number; readonly bytes: Uint8Array }[]

  constructor(sizeBytes: number, pieces: readonly { readonly at: number; readonly bytes: Uint8Array }[]) {
    this.sizeBytes = sizeBytes
    this.#pieces = pieces
  }

  read(start: number, end: number): Uint8Array {
    if (end > this.sizeBytes) throw new RangeError('beyond the end')
    const found = new Uint8Array(end - start)
    for (const { at, bytes } of this.#pieces)
      for (let i = Math.max(start, at); i < Math.min(end, at + bytes.length); i++)
        found[i - start] = bytes[i - at] ?? 0
    return found
  }
}

export const fileOf = (...boxes: readonly Uint8Array[]): SparseFile => {
  const bytes = Buffer.concat(boxes)
  return new SparseFile(bytes.length, [{ at: 0, bytes }])
}
