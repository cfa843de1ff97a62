/** The bytes of a peer, cut into its handshake and its messages. What is longer than its kind may be ends the peer at once. */
import { ShoalError } from '../../core/errors.ts'
import { decodeHandshake, HANDSHAKE_BYTES, type Handshake, mayBeHandshake } from '../../wire/handshake.ts'
import { decodePeerMessage, mayHaveLength, type PeerMessage } from '../../wire/peer-message.ts'

export type Heard = { readonly kind: 'handshake'; readonly handshake: Handshake } | PeerMessage

export class MessageStream {
  /** What came and was not read, from `#start` to `#end`; the array grows, so that a byte at a time costs no more. */
  #held = new Uint8Array(0)
  #start = 0
  #end = 0
  #isGreeted = false

  /**
   * What is whole now. Byte arrays in it are good until the next call.
   * @throws ShoalError `bad-input`: nothing that follows can be understood.
   */
  take(bytes: Uint8Array): Heard[] {
    const heard: Heard[] = []
    let rest = this.#with(bytes)
    for (;;) {
      const length = this.#isGreeted ? messageBytes(rest) : handshakeBytes(rest)
      if (length === undefined || rest.length < length) break
      const one = rest.subarray(0, length)
      rest = rest.subarray(length)
      if (this.#isGreeted) heard.push(decodePeerMessage(one.subarray(LENGTH_BYTES)))
      else {
        this.#isGreeted = true
        heard.push({ kind: 'handshake', handshake: decodeHandshake(one) })
      }
    }
    this.#keep(rest)
    return heard
  }

  /** All that is not read. Without a copy where nothing is left of before. */
  #with(bytes: Uint8Array): Uint8Array {
    const left = this.#end - this.#start
    if (left === 0) return bytes
    const needed = left + bytes.length
    if (this.#start + needed > this.#held.length) {
      const whole = needed > this.#held.length ? new Uint8Array(2 * needed) : this.#held
      whole.set(this.#held.subarray(this.#start, this.#end))
      this.#held = whole
      this.#start = 0
      this.#end = left
    }
    this.#held.set(bytes, this.#end)
    this.#end += bytes.length
    return this.#held.subarray(this.#start, this.#end)
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) {
      this.#start = this.#end = 0
      this.#held = EMPTY
    } else if (this.#end - this.#start > 0) this.#start = this.#end - rest.length
    else {
      this.#held = rest.slice()
      this.#end = rest.length
    }
  }
}

const EMPTY = new Uint8Array(0)
const LENGTH_BYTES = 4

function handshakeBytes(bytes: Uint8Array): number {
  if (!mayBeHandshake(bytes)) throw new ShoalError('bad-input', 'not a BitTorrent handshake')
  return HANDSHAKE_BYTES
}

/** With its four bytes of length; undefined until these and its kind are here. */
function messageBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  if (length === 0) return LENGTH_BYTES
  const kind = bytes[LENGTH_BYTES]
  if (kind === undefined) return undefined
  if (!mayHaveLength(kind, length))
    throw new ShoalError('bad-input', `peer message ${kind} of ${length} bytes`)
  return LENGTH_BYTES + length
}
