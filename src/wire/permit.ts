/**
 * Permits: which device may have which release until when, on the wire between peers. A compact JWS by a grant
 * key, told from a grant by its `typ`: `{alg, kid, typ}` and `{ih, jti, exp, device}`. `jti` is the grant that it
 * goes with, so that whatever ends the grant (revoked, recalled, refused before, its key retired) ends it too.
 *
 * As with grants one permit has one spelling: `wire/grant.ts`.
 */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type DeviceId, deviceId, grantId, infoHashOfBytes } from '../core/ids.ts'
import { addMillis, type EpochMillis, epochMillis, epochSeconds } from '../core/units.ts'
import { type GrantClaims, outlivesItsCap } from './grant.ts'
import type { PublicKey } from './keys.ts'
import { limits } from './limits.ts'
import type { SigningKey } from './signing-key.ts'
import { peekStrictToken, type StrictToken } from './strict-token.ts'
import { verifyJws } from './verify-jws.ts'

/** `id` is the grant's; `expiresAt` in whole seconds, `limits.clockLeeway` is added by whoever checks. */
export interface PermitClaims extends GrantClaims {
  readonly device: DeviceId
}

const TYPE = 'shoal-permit'
/** What everybody hears whose permit is no good. */
const REFUSED = 'permit refused'
const TOKEN = /^[A-Za-z0-9_-]{56,80}\.[A-Za-z0-9_-]{130,170}\.[A-Za-z0-9_-]{86}$/

/** @throws ShoalError `over-limit` when it would outlive `limits.grantLifeMax`; TypeError for another key than a grant key. */
export async function signPermit(claims: PermitClaims, key: SigningKey): Promise<string> {
  if (key.purpose !== 'grant') throw new TypeError(`a ${key.purpose} key does not sign permits`)
  if (outlivesItsCap(claims)) throw new ShoalError('over-limit', 'a permit lives for 30 days at most')
  return key.sign(claimsText(claims), TYPE)
}

/**
 * What the token says, by its shape only: NOT verified.
 * @throws ShoalError `not-granted` with the one constant text.
 */
export function peekPermit(token: string): { kid: string; claims: PermitClaims } {
  return peekStrictToken(token, PERMIT)
}

/**
 * The claims of a permit that one of `keys` signed and that is good at `now`. Whether its grant was revoked, and
 * whether release and device are those that it is shown for, is the caller's to check.
 * @throws ShoalError `not-granted` with the one constant text.
 */
export async function verifyPermit(
  token: string,
  keys: ReadonlyMap<string, PublicKey>,
  now: EpochMillis,
): Promise<{ kid: string; claims: PermitClaims }> {
  const peeked = peekPermit(token)
  const key = keys.get(peeked.kid)
  const isOver = now > addMillis(peeked.claims.expiresAt, limits.clockLeeway)
  if (key?.purpose !== 'grant' || isOver || outlivesItsCap(peeked.claims))
    throw new ShoalError('not-granted', REFUSED)
  try {
    await verifyJws(token, [key], TYPE)
  } catch (error) {
    throw new ShoalError('not-granted', REFUSED, { cause: error })
  }
  return peeked
}

const headerText = (kid: string): string => JSON.stringify({ alg: 'EdDSA', kid, typ: TYPE })

function claimsText(claims: PermitClaims): string {
  const ih = Buffer.from(bytesOf(claims.infoHash)).toString('base64url')
  return JSON.stringify({ ih, jti: claims.id, exp: epochSeconds(claims.expiresAt), device: claims.device })
}

function claimsOf({ ih, jti, exp, device }: Readonly<Record<string, unknown>>): PermitClaims {
  if (typeof ih !== 'string' || typeof jti !== 'string' || typeof device !== 'string')
    throw new ShoalError('bad-input', 'claims')
  if (!Number.isInteger(exp) || Number(exp) < 0) throw new ShoalError('bad-input', 'exp')
  return {
    infoHash: infoHashOfBytes(Buffer.from(ih, 'base64url')),
    id: grantId(jti),
    expiresAt: epochMillis(Number(exp) * 1_000),
    device: deviceId(device),
  }
}

/** Behind what it is made of. */
const PERMIT: StrictToken<PermitClaims> = {
  charsMax: limits.permitCharsMax,
  shape: TOKEN,
  headerText,
  claimsText,
  claimsOf,
  refusal: REFUSED,
}
