/**
 * The key of a swarm, which the tracker gives to our own clients (`sh key`), and how two of them prove to each
 * other that they hold it: an HMAC over fresh numbers of both, over who dialled, and over the address that the
 * prover sees in front of it, so that nobody passes off as his own a proof that he got from somebody else.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { bytesOfAddress, type IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash } from '../core/ids.ts'

declare const checked: unique symbol
/** 16..32 bytes as lower-case hex. A secret of those who have a grant. */
export type SwarmKey = string & { readonly [checked]: 'SwarmKey' }

const KEY_TEXT = /^(?:[0-9a-f]{2}){16,32}$/

/** @throws ShoalError `bad-input` unless it is 16..32 bytes in lower-case hex. */
export function swarmKey(text: string): SwarmKey {
  if (!KEY_TEXT.test(text)) throw new ShoalError('bad-input', 'a swarm key has 16 to 32 bytes')
  return text as SwarmKey
}

export const swarmKeyOfBytes = (bytes: Uint8Array): SwarmKey => swarmKey(Buffer.from(bytes).toString('hex'))
export const bytesOfSwarmKey = (key: SwarmKey): Uint8Array => Buffer.from(key, 'hex')

export const NONCE_BYTES = 32
export const PROOF_BYTES = 32

export interface ProofSubject {
  readonly infoHash: InfoHash
  /** What the prover did on this connection. */
  readonly role: 'dialled' | 'listened'
  /** The fresh numbers of who dialled and of who listened, {@link NONCE_BYTES} each. */
  readonly nonces: { readonly dialled: Uint8Array; readonly listened: Uint8Array }
  /** The address to which the prover proves it, as the prover sees it. */
  readonly to: IpAddress
}

const LABEL = Buffer.from('shoal sh_peers 1')
const ROLES = { dialled: 1, listened: 2 } as const satisfies Record<ProofSubject['role'], number>

/** {@link PROOF_BYTES} long; every field has one length but the address, which is last. */
export function proofOf(key: SwarmKey, subject: ProofSubject): Uint8Array {
  return createHmac('sha256', bytesOfSwarmKey(key))
    .update(LABEL)
    .update(Uint8Array.of(ROLES[subject.role]))
    .update(subject.nonces.dialled)
    .update(subject.nonces.listened)
    .update(bytesOf(subject.infoHash))
    .update(bytesOfAddress(subject.to))
    .digest()
}

/** Takes the same time whatever differs. */
export function isSameProof(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === PROOF_BYTES && b.length === PROOF_BYTES && timingSafeEqual(a, b)
}
