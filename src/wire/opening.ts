/**
 * How two of our clients begin inside TLS, on a release that is for our clients only: the handshake of BEP 3, and
 * right behind it one extended message (BEP 10) of a fixed id, `sh_permit`, that holds the sender's permit. Whoever
 * was dialled says nothing before it has read and believed the other's; so a stranger gets not a byte.
 */
import { ShoalError } from '../core/errors.ts'
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES, type Handshake } from './handshake.ts'
import { limits } from './limits.ts'
import { encodePeerMessage, MESSAGE_ID } from './peer-message.ts'

export interface Opening {
  readonly handshake: Handshake
  /** Empty where the certificate alone is enough: an origin's. */
  readonly permit: string
}

/** Never announced in `m`: both sides know it, and it is said once, here. */
const SH_PERMIT_ID = 251
const PERMIT_AT = HANDSHAKE_BYTES + 6
const PERMIT = /^[A-Za-z0-9_.-]*$/

export const OPENING_BYTES_MAX = PERMIT_AT + limits.permitCharsMax

export function encodeOpening({ handshake, permit }: Opening): Uint8Array {
  const payload = Buffer.from(permit, 'latin1')
  const message = encodePeerMessage({ kind: 'extended', id: SH_PERMIT_ID, payload })
  return Buffer.concat([encodeHandshake(handshake), message])
}

/**
 * The opening at the beginning of `bytes` and its length; undefined while more must arrive.
 * @throws ShoalError `bad-input` as soon as it cannot become one.
 */
export function readOpening(bytes: Uint8Array): { opening: Opening; length: number } | undefined {
  if (bytes.length < PERMIT_AT) return undefined
  const handshake = decodeHandshake(bytes.subarray(0, HANDSHAKE_BYTES))
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + HANDSHAKE_BYTES, 6)
  const permitBytes = head.readUInt32BE() - 2
  const isPermit = head[4] === MESSAGE_ID.extended && head[5] === SH_PERMIT_ID
  if (!isPermit || permitBytes < 0 || permitBytes > limits.permitCharsMax || !handshake.hasExtensions)
    throw new ShoalError('bad-input', 'no permit where one belongs')
  const length = PERMIT_AT + permitBytes
  if (bytes.length < length) return undefined
  const permit = Buffer.from(bytes.subarray(PERMIT_AT, length)).toString('latin1')
  if (!PERMIT.test(permit)) throw new ShoalError('bad-input', 'a permit of strange characters')
  return { opening: { handshake, permit }, length }
}
