/**
 * Cuts the stream of one peer into messages. Blocks, which are nearly all that arrives, are copied once: from
 * the socket's read buffer to where the sink wants them. Everything else is small, checked against the length
 * that its kind may have before a byte of it is kept, and decoded strictly.
 */
import { ShoalError } from '../core/errors.ts'
import { limits } from '../wire/limits.ts'
import {
  decodePeerMessage,
  mayHaveLength,
  MESSAGE_ID,
  PIECE_HEADER_BYTES,
  type PeerMessage,
} from '../wire/peer-message.ts'

export interface MessageSink {
  /** Byte arrays in it are valid during the call only. Never of kind `piece`. */
  onMessage(message: PeerMessage): void
  /** A block begins: where shall it go? `length` bytes of room, or undefined to throw it away. */
  onBlockBegin(piece: number, offset: number, length: number): Uint8Array | undefined
  /** The block that began last is whole, in the place that was given for it. */
  onBlockEnd(): void
}

const LENGTH_BYTES = 4

export class MessageReader {
  readonly #sink: MessageSink
  /** The beginning of a message whose rest has not arrived; grows to the message's length, never beyond. */
  #partial = new Uint8Array(64)
  #partialBytes = 0
  /** Bytes still to come of a block or of a message that is skipped. */
  #left = 0
  #isBlock = false
  #target: Uint8Array | undefined
  #targetAt = 0
  #isStopped = false

  constructor(sink: MessageSink) {
    this.#sink = sink
  }

  /** The room given for the block in progress must not be written any more. */
  dropTarget(): void {
    this.#target = undefined
  }

  /** Reads no more; for a sink that hangs up in the middle of a chunk. */
  stop(): void {
    this.#isStopped = true
    this.#target = undefined
  }

  /** @throws ShoalError `bad-input` when the peer breaks the framing: hang up. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.#isStopped) {
      at = this.#left > 0 ? this.#takePayload(chunk, at) : this.#takeMessage(chunk, at)
    }
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const n = Math.min(this.#left, chunk.length - at)
    if (this.#target !== undefined) {
      this.#target.set(chunk.subarray(at, at + n), this.#targetAt)
      this.#targetAt += n
    }
    this.#left -= n
    if (this.#left === 0 && this.#isBlock) {
      this.#target = undefined
      this.#sink.onBlockEnd()
    }
    return at + n
  }

  #takeMessage(chunk: Uint8Array, at: number): number {
    if (this.#partialBytes === 0) {
      const need = neededBytes(chunk, at)
      if (chunk.length - at >= need) {
        this.#open(chunk, at, need)
        return at + need
      }
    }
    return this.#collect(chunk, at)
  }

  /** Moves bytes from the chunk to `#partial` until the message can be read. */
  #collect(chunk: Uint8Array, start: number): number {
    let at = start
    for (;;) {
      const need = this.#partialBytes === 0 ? LENGTH_BYTES : neededBytes(this.#partial, 0, this.#partialBytes)
      const missing = need - this.#partialBytes
      if (missing <= 0) {
        this.#partialBytes = 0
        this.#open(this.#partial, 0, need)
        return at
      }
      const n = Math.min(missing, chunk.length - at)
      if (n === 0) return at
      this.#reserve(this.#partialBytes + n)
      this.#partial.set(chunk.subarray(at, at + n), this.#partialBytes)
      this.#partialBytes += n
      at += n
    }
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#partial.length) return
    const grown = new Uint8Array(Math.max(bytes, 2 * this.#partial.length))
    grown.set(this.#partial.subarray(0, this.#partialBytes))
    this.#partial = grown
  }

  /** `bytes` holds, from `at`, the `need` bytes that {@link neededBytes} asked for. */
  #open(bytes: Uint8Array, at: number, need: number): void {
    const length = lengthAt(bytes, at)
    if (length > 0 && LENGTH_BYTES + length > need) {
      this.#left = LENGTH_BYTES + length - need
      this.#isBlock = bytes[at + 4] === MESSAGE_ID.piece
      if (this.#isBlock) {
        const piece = lengthAt(bytes, at + 5)
        this.#target = this.#sink.onBlockBegin(piece, lengthAt(bytes, at + 9), this.#left)
        this.#targetAt = 0
      }
      return
    }
    this.#sink.onMessage(decodePeerMessage(bytes.subarray(at + LENGTH_BYTES, at + need)))
  }
}

/**
 * How many bytes must be there before the message can be opened: all of it, or for blocks the header and for
 * unknown kinds the id, since their rest is streamed or skipped.
 */
function neededBytes(bytes: Uint8Array, at: number, end = bytes.length): number {
  if (end - at < LENGTH_BYTES) return LENGTH_BYTES
  const length = lengthAt(bytes, at)
  if (length === 0) return LENGTH_BYTES
  if (length > limits.peerMessageBytesMax)
    throw new ShoalError('bad-input', `peer message of ${length} bytes`)
  if (end - at < LENGTH_BYTES + 1) return LENGTH_BYTES + 1
  const id = bytes[at + LENGTH_BYTES] ?? 0
  if (!mayHaveLength(id, length)) throw new ShoalError('bad-input', `peer message ${id} of ${length} bytes`)
  if (id === MESSAGE_ID.piece) return PIECE_HEADER_BYTES
  return isKnown(id) ? LENGTH_BYTES + length : LENGTH_BYTES + 1
}

const KNOWN_IDS = new Set<number>(Object.values(MESSAGE_ID))
const isKnown = (id: number): boolean => KNOWN_IDS.has(id)

function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) * 0x1000000 +
    (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
  )
}
