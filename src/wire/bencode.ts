/**
 * Bencode (BEP 3), canonical form only: each value has exactly one spelling, so what was decoded encodes to
 * the same bytes again. Linear time; depth and number of values are bounded by `limits.bencodeDepthMax` and
 * `bencodeValuesMax`. How many bytes may arrive is the caller's bound.
 */
import { ShoalError } from '../core/errors.ts'
import { type BencodeInput, BencodeWriter } from './bencode-writer.ts'
import { limits } from './limits.ts'

export type BencodeValue = number | Uint8Array | readonly BencodeValue[] | BencodeDict
/** Keys have one character a byte (latin1): byte order is string order, and `__proto__` is a plain key. */
export type BencodeDict = ReadonlyMap<string, BencodeValue>

export { type BencodeInput, Encoded } from './bencode-writer.ts'

const [I, L, D, E, COLON, MINUS, ZERO, NINE] = [0x69, 0x6c, 0x64, 0x65, 0x3a, 0x2d, 0x30, 0x39]
const MAX_DIGITS = 16 // of Number.MAX_SAFE_INTEGER

/** Byte strings in the result are views of `bytes`. @throws ShoalError `bad-input` naming the byte. */
export function decodeBencode(bytes: Uint8Array): BencodeValue {
  const { value, length } = decodeBencodePrefix(bytes)
  if (length !== bytes.length) throw broken(length, 'bytes after the end')
  return value
}

/** The value that `bytes` begin with and how many bytes it takes: BEP 9 puts data after a dictionary. */
export function decodeBencodePrefix(bytes: Uint8Array): { value: BencodeValue; length: number } {
  const decoder = new Decoder(bytes)
  const value = decoder.value(0)
  return { value, length: decoder.at }
}

/**
 * The same as {@link decodeBencode} for a dictionary, with the raw bytes of each value beside it: an infohash
 * is of bytes, not of values.
 */
export function decodeBencodeParts(
  bytes: Uint8Array,
): ReadonlyMap<string, { readonly value: BencodeValue; readonly raw: Uint8Array }> {
  if (bytes[0] !== D) throw broken(0, 'a dictionary expected')
  const decoder = new Decoder(bytes)
  const parts = new Map<string, { value: BencodeValue; raw: Uint8Array }>()
  decoder.dict(0, (key, value, raw) => parts.set(key, { value, raw }))
  if (decoder.at !== bytes.length) throw broken(decoder.at, 'bytes after the end')
  return parts
}

/**
 * Keys are sorted here, whatever their order in the Map.
 * @throws RangeError for a number that is no safe integer and a key with a character over U+00FF.
 */
export function encodeBencode(value: BencodeInput): Uint8Array {
  const writer = new BencodeWriter()
  writer.value(value)
  return writer.take()
}

/** A dictionary from an object literal; entries whose value is undefined are left out. */
export function dictOf(
  entries: Readonly<Record<string, BencodeInput | undefined>>,
): Map<string, BencodeInput> {
  const dict = new Map<string, BencodeInput>()
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) dict.set(key, value)
  return dict
}

/** Bytes as a key of a {@link BencodeDict}, and back. */
export const keyOfBytes = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
export const bytesOfKey = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'))

class Decoder {
  readonly #bytes: Uint8Array
  readonly #text: Buffer
  at = 0
  #values = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): BencodeValue {
    if (++this.#values > limits.bencodeValuesMax) throw broken(this.at, 'too many values')
    if (depth > limits.bencodeDepthMax) throw broken(this.at, `more than ${limits.bencodeDepthMax} deep`)
    const first = this.#bytes[this.at]
    if (first === I) return this.#integer()
    if (first === L) return this.#list(depth)
    if (first === D) {
      const dict = new Map<string, BencodeValue>()
      this.dict(depth, (key, value) => dict.set(key, value))
      return dict
    }
    const { start, end } = this.#string()
    return this.#bytes.subarray(start, end)
  }

  dict(depth: number, found: (key: string, value: BencodeValue, raw: Uint8Array) => void): void {
    this.at++
    let previous: string | undefined
    while (this.#bytes[this.at] !== E) {
      const keyAt = this.at
      const { start, end } = this.#string()
      const key = this.#text.toString('latin1', start, end)
      if (previous !== undefined && key <= previous)
        throw broken(keyAt, key === previous ? 'a key twice' : 'keys out of order')
      previous = key
      const valueAt = this.at
      const value = this.value(depth + 1)
      found(key, value, this.#bytes.subarray(valueAt, this.at))
    }
    this.at++
  }

  #list(depth: number): BencodeValue[] {
    this.at++
    const list: BencodeValue[] = []
    while (this.#bytes[this.at] !== E) list.push(this.value(depth + 1))
    this.at++
    return list
  }

  #integer(): number {
    const start = this.at++
    const isNegative = this.#bytes[this.at] === MINUS
    if (isNegative) this.at++
    const magnitude = this.#digits(E)
    if (isNegative && magnitude === 0) throw broken(start, 'minus zero')
    return isNegative ? -magnitude : magnitude
  }

  #string(): { start: number; end: number } {
    const lengthAt = this.at
    const length = this.#digits(COLON)
    const start = this.at
    if (length > this.#bytes.length - start) throw broken(lengthAt, 'a string longer than what is there')
    this.at = start + length
    return { start, end: this.at }
  }

  /** A whole number without leading zeros, and the byte that must follow it. */
  #digits(terminator: number): number {
    const start = this.at
    let n = 0
    for (; this.at - start <= MAX_DIGITS; this.at++) {
      const byte = this.#bytes[this.at] ?? -1
      if (byte < ZERO || byte > NINE) break
      n = n * 10 + (byte - ZERO)
    }
    const count = this.at - start
    if (this.at >= this.#bytes.length) throw broken(this.at, 'cut off')
    if (count === 0) throw broken(start, 'no bencode')
    if (count > 1 && this.#bytes[start] === ZERO) throw broken(start, 'a leading zero')
    if (!Number.isSafeInteger(n)) throw broken(start, 'a number beyond 2^53')
    if (this.#bytes[this.at] !== terminator) throw broken(this.at, 'no bencode')
    this.at++
    return n
  }
}

function broken(at: number, why: string): ShoalError {
  return new ShoalError('bad-input', `bencode: ${why} at byte ${at}`)
}
