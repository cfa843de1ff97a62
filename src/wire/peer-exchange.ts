/**
 * `sh_peers` (BEP 10): our own clients prove to each other that they hold the swarm's key (`swarm-key.ts`), and
 * then tell each other addresses of peers while no tracker answers. Nothing of it is for other clients: who has
 * no key proves nothing and is told nothing, and no address carries a word about what listens there.
 */
import type { Endpoint } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { decodeBencode, dictOf, encodeBencode } from './bencode.ts'
import { asDict, bytesAt, intAt } from './bencode-read.ts'
import { decodeCompact, encodeCompactV4, encodeCompactV6, splitByFamily } from './compact-peers.ts'
import { limits } from './limits.ts'
import { NONCE_BYTES, PROOF_BYTES } from './swarm-key.ts'

export type ExchangeMessage =
  /** Once a connection; answered by `proof` when the other side has a key. */
  | { readonly kind: 'challenge'; readonly nonce: Uint8Array }
  /** One for each key that the sender holds, the newest first. */
  | { readonly kind: 'proof'; readonly proofs: readonly Uint8Array[] }
  /** "No tracker answers me: whom do you know?" */
  | { readonly kind: 'ask' }
  /** At most `limits.exchangePeersMax`, IPv4 first. */
  | { readonly kind: 'peers'; readonly endpoints: readonly Endpoint[] }
  /** A `msg_type` of the future: to be ignored. */
  | { readonly kind: 'unknown' }

const MSG_TYPE = { challenge: 0, proof: 1, ask: 2, peers: 3 } as const satisfies Record<
  Exclude<ExchangeMessage['kind'], 'unknown'>,
  number
>
/** The key of today and that of before. */
const PROOFS_MAX = 2
const WHAT = 'sh_peers'

export function encodeExchangeMessage(message: Exclude<ExchangeMessage, { kind: 'unknown' }>): Uint8Array {
  return encodeBencode(dictOf({ msg_type: MSG_TYPE[message.kind], ...bodyOf(message) }))
}

function bodyOf(
  message: Exclude<ExchangeMessage, { kind: 'unknown' }>,
): Readonly<Record<string, Uint8Array | undefined>> {
  switch (message.kind) {
    case 'challenge':
      return { nonce: message.nonce }
    case 'proof':
      return { proofs: Buffer.concat(message.proofs) }
    case 'ask':
      return {}
    case 'peers': {
      const { v4, v6 } = splitByFamily(message.endpoints)
      return { peers: encodeCompactV4(v4), peers6: v6.length > 0 ? encodeCompactV6(v6) : undefined }
    }
  }
}

/**
 * Keys that we do not know are skipped. Ports and ranges are not looked at: that is `mayDial`'s.
 * @throws ShoalError `bad-input` for what cannot be read, `over-limit` for more than a message may hold.
 */
export function decodeExchangeMessage(payload: Uint8Array): ExchangeMessage {
  if (payload.length > limits.exchangeBytesMax) throw new ShoalError('over-limit', 'sh_peers: too long')
  const dict = asDict(decodeBencode(payload), WHAT)
  switch (intAt(dict, 'msg_type', WHAT)) {
    case undefined:
      throw new ShoalError('bad-input', 'sh_peers without msg_type')
    case MSG_TYPE.challenge:
      return { kind: 'challenge', nonce: nonceOf(bytesAt(dict, 'nonce', WHAT)) }
    case MSG_TYPE.proof:
      return { kind: 'proof', proofs: proofsOf(bytesAt(dict, 'proofs', WHAT)) }
    case MSG_TYPE.ask:
      return { kind: 'ask' }
    case MSG_TYPE.peers:
      return {
        kind: 'peers',
        endpoints: endpointsOf(bytesAt(dict, 'peers', WHAT), bytesAt(dict, 'peers6', WHAT)),
      }
    default:
      return { kind: 'unknown' }
  }
}

/** A copy: the message's memory is lent. */
function nonceOf(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes?.length !== NONCE_BYTES) throw new ShoalError('bad-input', 'sh_peers: a nonce has 32 bytes')
  return new Uint8Array(bytes)
}

function proofsOf(bytes: Uint8Array | undefined): Uint8Array[] {
  const count = (bytes?.length ?? 0) / PROOF_BYTES
  if (bytes === undefined || !Number.isInteger(count) || count < 1 || count > PROOFS_MAX)
    throw new ShoalError('bad-input', 'sh_peers: one proof or two of 32 bytes expected')
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * PROOF_BYTES, (i + 1) * PROOF_BYTES))
}

function endpointsOf(v4: Uint8Array | undefined, v6: Uint8Array | undefined): Endpoint[] {
  const none = new Uint8Array()
  const endpoints = [...decodeCompact(v4 ?? none, 'v4'), ...decodeCompact(v6 ?? none, 'v6')]
  if (endpoints.length > limits.exchangePeersMax) throw new ShoalError('over-limit', 'sh_peers: too many')
  return endpoints
}
