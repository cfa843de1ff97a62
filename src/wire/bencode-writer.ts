/** Values to bencode, into one buffer that grows: the tracker encodes a reply at every announce. */

/** What can be encoded: text becomes UTF-8, {@link Encoded} bytes go in as they are. */
export type BencodeInput =
  number | string | Uint8Array | Encoded | readonly BencodeInput[] | ReadonlyMap<string, BencodeInput>

/** Bytes that are bencode already, such as the info of a torrent, whose hash must not change. */
export class Encoded {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** Longest head of anything: `i`, a sign, 16 digits and `e`. */
const HEAD_BYTES_MAX = 24

export class BencodeWriter {
  #buffer = Buffer.allocUnsafe(1_024)
  #length = 0

  /** What was written, as a copy of its own. */
  take(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length))
  }

  value(value: BencodeInput): void {
    if (typeof value === 'number') this.#integer(value)
    else if (typeof value === 'string') this.#text(value)
    else if (value instanceof Uint8Array) this.#bytes(value)
    else if (value instanceof Encoded) this.#raw(value.bytes)
    else if (isDict(value)) this.#dict(value)
    else this.#list(value)
  }

  #integer(n: number): void {
    if (!Number.isSafeInteger(n)) throw new RangeError(`bencode: ${n} is no safe integer`)
    this.#head(`i${n}e`)
  }

  #text(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#head(`${bytes}:`)
    this.#reserve(bytes)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  #bytes(bytes: Uint8Array): void {
    this.#head(`${bytes.length}:`)
    this.#raw(bytes)
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #list(items: readonly BencodeInput[]): void {
    this.#head('l')
    for (const item of items) this.value(item)
    this.#head('e')
  }

  #dict(dict: ReadonlyMap<string, BencodeInput>): void {
    this.#head('d')
    for (const key of [...dict.keys()].sort()) {
      this.#key(key)
      this.value(dict.get(key) as BencodeInput)
    }
    this.#head('e')
  }

  #key(key: string): void {
    for (let i = 0; i < key.length; i++)
      if (key.charCodeAt(i) > 0xff) throw new RangeError('bencode: a key with a character over U+00FF')
    this.#head(`${key.length}:`)
    this.#reserve(key.length)
    this.#length += this.#buffer.write(key, this.#length, 'latin1')
  }

  /** A few ASCII characters. */
  #head(text: string): void {
    this.#reserve(HEAD_BYTES_MAX)
    for (let i = 0; i < text.length; i++) this.#buffer[this.#length++] = text.charCodeAt(i)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#length + more))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

const isDict = (
  value: readonly BencodeInput[] | ReadonlyMap<string, BencodeInput>,
): value is ReadonlyMap<string, BencodeInput> => value instanceof Map
