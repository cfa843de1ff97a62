/**
 * Grants: who holds one may join one swarm until a time. A compact JWS, `{alg, kid}` and `{ih, jti, exp}`, at
 * most {@link limits.grantCharsMax} characters, because stock clients cut longer tracker URLs.
 *
 * One grant has one spelling: a token that decodes to the same claims but is written otherwise is refused, so
 * that the token's text (and its hash) is as good a name as its id.
 */
import { randomBytes } from 'node:crypto'
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type GrantId, grantId, type InfoHash, infoHashOfBytes } from '../core/ids.ts'
import { addMillis, type EpochMillis, epochMillis, epochSeconds } from '../core/units.ts'
import { isSignedBy } from './ed25519.ts'
import type { PublicKey } from './keys.ts'
import { limits } from './limits.ts'
import type { SigningKey } from './signing-key.ts'
import { peekStrictToken, type StrictToken } from './strict-token.ts'

export interface GrantClaims {
  readonly infoHash: InfoHash
  readonly id: GrantId
  /** Whole seconds; `limits.clockLeeway` is added by whoever checks. */
  readonly expiresAt: EpochMillis
}

/** What everybody hears whose grant did not verify, whatever was wrong with it. */
const REFUSED = 'grant refused'
const TOKEN = /^[A-Za-z0-9_-]{32,64}\.[A-Za-z0-9_-]{96,120}\.[A-Za-z0-9_-]{86}$/

/** Four bytes of issue time and eight of chance. */
export function newGrantId(now: EpochMillis): GrantId {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(epochSeconds(now))
  randomBytes(8).copy(bytes, 4)
  return grantId(bytes.toString('base64url'))
}

export function issuedAtOf(id: GrantId): EpochMillis {
  return epochMillis(Buffer.from(id, 'base64url').readUInt32BE() * 1_000)
}

/**
 * `expiresAt` is rounded down to the second.
 * @throws ShoalError `over-limit` when the grant would outlive `limits.grantLifeMax`; TypeError for a key that
 *   is not for grants.
 */
export async function signGrant(claims: GrantClaims, key: SigningKey): Promise<string> {
  if (key.purpose !== 'grant') throw new TypeError(`a ${key.purpose} key does not sign grants`)
  if (outlivesItsCap(claims)) throw new ShoalError('over-limit', 'a grant lives for 30 days at most')
  const token = await key.sign(claimsText(claims))
  if (token.length > limits.grantCharsMax) throw new TypeError(`the kid ${key.kid} is too long for a grant`)
  return token
}

/**
 * What the token says, by its shape only: NOT verified.
 * @throws ShoalError `not-granted` with the one constant text.
 */
export function peekGrant(token: string): { kid: string; claims: GrantClaims } {
  return peekStrictToken(token, GRANT)
}

/**
 * The claims of a grant that one of `keys` signed and that has not expired. Whether it was revoked, and for
 * which release it is used, is the caller's to check.
 *
 * kid and expiry are looked at before a signature is computed, so that junk costs little: a grant that
 * expired longer ago than any could live is junk, one that expired lately is verified to learn whether it
 * deserves the reason.
 * @throws ShoalError `not-granted`: the constant text until the signature has verified, the reason after.
 */
export async function verifyGrant(
  token: string,
  keys: ReadonlyMap<string, PublicKey>,
  now: EpochMillis,
): Promise<GrantClaims> {
  const { kid, claims } = peekGrant(token)
  const key = keys.get(kid)
  const isLongGone = now > addMillis(claims.expiresAt, limits.grantLifeMax)
  if (key?.purpose !== 'grant' || isLongGone || outlivesItsCap(claims))
    throw new ShoalError('not-granted', REFUSED)
  try {
    await checkSignature(token, key)
  } catch (error) {
    throw new ShoalError('not-granted', REFUSED, { cause: error })
  }
  if (now > addMillis(claims.expiresAt, limits.clockLeeway)) {
    const at = new Date(claims.expiresAt).toISOString()
    throw new ShoalError('not-granted', `grant expired at ${at}, get a fresh link from the portal`)
  }
  return claims
}

/** `peekGrant` has let it pass: its header says EdDSA and nothing else, and no part has another spelling. */
async function checkSignature(token: string, key: PublicKey): Promise<void> {
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  if (await isSignedBy(key, token.slice(0, end), signature)) return
  throw new ShoalError('not-granted', 'the signature is not by the key that it names')
}

/** It ends later than any that was issued when this one was. */
export function outlivesItsCap(claims: Pick<GrantClaims, 'id' | 'expiresAt'>): boolean {
  return (
    claims.expiresAt > addMillis(addMillis(issuedAtOf(claims.id), limits.grantLifeMax), limits.clockLeeway)
  )
}

const headerText = (kid: string): string => JSON.stringify({ alg: 'EdDSA', kid })

function claimsText(claims: GrantClaims): string {
  const ih = Buffer.from(bytesOf(claims.infoHash)).toString('base64url')
  return JSON.stringify({ ih, jti: claims.id, exp: epochSeconds(claims.expiresAt) })
}

function claimsOf(payload: Readonly<Record<string, unknown>>): GrantClaims {
  const { ih, jti, exp } = payload
  if (typeof ih !== 'string' || typeof jti !== 'string' || !Number.isInteger(exp) || Number(exp) < 0)
    throw new ShoalError('bad-input', 'claims')
  return {
    infoHash: infoHashOfBytes(Buffer.from(ih, 'base64url')),
    id: grantId(jti),
    expiresAt: epochMillis(Number(exp) * 1_000),
  }
}

/** Behind what it is made of. */
const GRANT: StrictToken<GrantClaims> = {
  charsMax: limits.grantCharsMax,
  shape: TOKEN,
  headerText,
  claimsText,
  claimsOf,
  refusal: REFUSED,
}
