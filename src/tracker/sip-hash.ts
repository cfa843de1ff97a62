/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of short messages that nobody without the key can
 * predict. It is here since it is computed at every datagram, forged ones too: it takes 0.2 microseconds where an
 * HMAC by node:crypto takes 8, and a cache of HMACs would be state for forged addresses to fill.
 *
 * 64-bit words are pairs of 32-bit ones, low half first.
 */

/** Longest message. */
const BYTES_MAX = 63
/** The words v0 to v3. */
const v = new Int32Array(8)

export class SipHash {
  readonly #key: Int32Array
  readonly #message = new Uint8Array(BYTES_MAX + 1)
  #length = 0
  /** The halves of the hash of the last {@link end}, unsigned. */
  low = 0
  high = 0

  /** @throws RangeError unless the key has 16 bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError('a SipHash key has 16 bytes')
    this.#key = Int32Array.from({ length: 4 }, (_, i) => wordAt(key, 4 * i))
  }

  /** Begins a message. */
  begin(): this {
    this.#length = 0
    return this
  }

  /** Four bytes more. */
  word(n: number): this {
    return this.#byte(n).#byte(n >>> 8).#byte(n >>> 16).#byte(n >>> 24) // prettier-ignore
  }

  /** A byte a character. */
  text(text: string): this {
    for (let i = 0; i < text.length; i++) this.#byte(text.charCodeAt(i))
    return this
  }

  /** The hash is then in {@link low} and {@link high}. */
  end(): void {
    const message = this.#message
    const length = this.#length
    const whole = length & ~7
    this.#start()
    for (let at = 0; at < whole; at += 8) compress(wordAt(message, at), wordAt(message, at + 4))
    message.fill(0, length, whole + 7)
    message[whole + 7] = length
    compress(wordAt(message, whole), wordAt(message, whole + 4))
    v[4] = at(4) ^ 0xff
    for (let round = 0; round < 4; round++) sipRound()
    this.low = (at(0) ^ at(2) ^ at(4) ^ at(6)) >>> 0
    this.high = (at(1) ^ at(3) ^ at(5) ^ at(7)) >>> 0
  }

  #start(): void {
    const [k0 = 0, k1 = 0, k2 = 0, k3 = 0] = this.#key
    v[0] = k0 ^ 0x70736575
    v[1] = k1 ^ 0x736f6d65
    v[2] = k2 ^ 0x6e646f6d
    v[3] = k3 ^ 0x646f7261
    v[4] = k0 ^ 0x6e657261
    v[5] = k1 ^ 0x6c796765
    v[6] = k2 ^ 0x79746573
    v[7] = k3 ^ 0x74656462
  }

  /** @throws RangeError for a message that is too long: whoever calls bounds it. */
  #byte(byte: number): this {
    if (this.#length === BYTES_MAX) throw new RangeError(`a message has at most ${BYTES_MAX} bytes`)
    this.#message[this.#length++] = byte
    return this
  }
}

const at = (i: number): number => v[i] ?? 0

function wordAt(bytes: Uint8Array, i: number): number {
  return (
    (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)
  )
}

function compress(low: number, high: number): void {
  v[6] = at(6) ^ low
  v[7] = at(7) ^ high
  sipRound()
  sipRound()
  v[0] = at(0) ^ low
  v[1] = at(1) ^ high
}

function sipRound(): void {
  let a = at(0), A = at(1), b = at(2), B = at(3), c = at(4), C = at(5), d = at(6), D = at(7) // prettier-ignore
  let low: number

  low = (a + b) | 0
  A = (A + B + carry(low, a)) | 0
  a = low // prettier-ignore
  low = (c + d) | 0
  C = (C + D + carry(low, c)) | 0
  c = low // prettier-ignore
  low = (b << 13) | (B >>> 19)
  B = ((B << 13) | (b >>> 19)) ^ A
  b = low ^ a // prettier-ignore
  low = (d << 16) | (D >>> 16)
  D = ((D << 16) | (d >>> 16)) ^ C
  d = low ^ c // prettier-ignore
  low = a
  a = A
  A = low // prettier-ignore

  low = (c + b) | 0
  C = (C + B + carry(low, c)) | 0
  c = low // prettier-ignore
  low = (a + d) | 0
  A = (A + D + carry(low, a)) | 0
  a = low // prettier-ignore
  low = (b << 17) | (B >>> 15)
  B = ((B << 17) | (b >>> 15)) ^ C
  b = low ^ c // prettier-ignore
  low = (d << 21) | (D >>> 11)
  D = ((D << 21) | (d >>> 11)) ^ A
  d = low ^ a // prettier-ignore
  low = c
  c = C
  C = low // prettier-ignore

  v[0] = a
  v[1] = A
  v[2] = b
  v[3] = B
  v[4] = c
  v[5] = C
  v[6] = d
  v[7] = D // prettier-ignore
}

/** Of an addition whose sum is `low`. */
const carry = (low: number, summand: number): number => (low >>> 0 < summand >>> 0 ? 1 : 0)
