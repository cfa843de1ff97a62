/** Answers of the control feed, made small, for the tests of what is made of them. */
import { ipAddress } from '../../src/core/address.ts'
import { grantId, infoHash, peerId, type GrantId, type InfoHash, type PeerId } from '../../src/core/ids.ts'
import { addMillis, epochMillis, hours } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import type { ControlAnswer, ControlEvent } from '../../src/wire/control.ts'
import type { GrantClaims } from '../../src/wire/grant.ts'
import type { PublicKey } from '../../src/wire/keys.ts'

export const T0 = epochMillis(1_790_000_000_000)
export const iso = (at: number): string => new Date(at).toISOString()
export const FILM = infoHash('a'.repeat(40))
export const BOOK = infoHash('b'.repeat(40))
export const ORIGIN = peerId('1'.repeat(40))
export const MIRROR = peerId('2'.repeat(40))

/** A grant id issued at `at`, which is a whole second. */
export function issued(at: number, n = 0): GrantId {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(Math.floor(at / 1_000))
  bytes.writeUInt32BE(n, 8)
  return grantId(bytes.toString('base64url'))
}

export function claims(id: GrantId, release: InfoHash = FILM): GrantClaims {
  return { infoHash: release, id, expiresAt: addMillis(T0, hours(24)) }
}

export function key(kid: string, purpose: PublicKey['purpose'] = 'grant'): PublicKey {
  return { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: 'A'.repeat(43), purpose }
}

export function serves(
  peer: PeerId,
  role: 'origin' | 'mirror',
  infohashes: InfoHash[],
  port = 16_881,
): ControlEvent {
  return { kind: 'serves', peerId: peer, role, host: ipAddress('10.0.0.1'), port, infohashes }
}

/** An answer that is a snapshot when `seq` is 1. */
export function answer(seq: number, events: ControlEvent[], at: number = T0): ControlAnswer {
  return { portal: 'https://media.example.com', seq, snapshot: seq === 1, at: iso(at), events }
}

export function stateOf(...events: ControlEvent[]): ControlState {
  const state = new ControlState()
  state.apply(answer(1, [{ kind: 'grant-key', key: key('k1') }, ...events]))
  return state
}
