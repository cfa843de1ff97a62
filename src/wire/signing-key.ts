/**
 * Keys that sign, and what they sign: compact JWS (RFC 7515) with EdDSA over Ed25519 (RFC 8037), by `jose`.
 * No other algorithm is accepted anywhere.
 */
import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { z } from 'zod'
import { ShoalError } from '../core/errors.ts'
import { type KeyPurpose, type PublicKey, zPublicKey } from './keys.ts'
import { importKey, type JwsType, verifyJws } from './verify-jws.ts'

export { verifyJws, type JwsType } from './verify-jws.ts'

/** What to store, as JSON, in a file that only its owner may read. */
export const zPrivateJwk = zPublicKey.extend({ d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) })
export type PrivateJwk = z.infer<typeof zPrivateJwk>

/** Holds its private part out of reach: it can sign, and can be neither printed nor exported. */
export interface SigningKey {
  readonly kid: string
  readonly purpose: KeyPurpose
  readonly publicKey: PublicKey
  /** Compact JWS; header `{alg, kid}`, and `typ` when given, in this order. */
  sign(payload: string, type?: JwsType): Promise<string>
}

/**
 * The first characters of the key's thumbprint (RFC 7638). A grant has no room for more than four
 * (`limits.grantCharsMax`); two grant keys are live at a time, so four tell them apart.
 */
const KID_CHARS = { portal: 8, link: 8, grant: 4 } as const satisfies Record<KeyPurpose, number>

export async function generateSigningKey(
  purpose: KeyPurpose,
): Promise<{ key: SigningKey; privateJwk: PrivateJwk }> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(pair.privateKey)
  const kid = (await calculateJwkThumbprint(jwk)).slice(0, KID_CHARS[purpose])
  const privateJwk = zPrivateJwk.parse({ ...jwk, alg: 'EdDSA', use: 'sig', kid, purpose })
  return { key: await loadSigningKey(privateJwk), privateJwk }
}

/** @throws ShoalError `bad-input` when it is no private key of ours, or its two halves do not belong together. */
export async function loadSigningKey(privateJwk: unknown): Promise<SigningKey> {
  const parsed = zPrivateJwk.safeParse(privateJwk)
  if (!parsed.success) throw new ShoalError('bad-input', 'this is no private Ed25519 signing key')
  const publicKey = zPublicKey.parse(parsed.data)
  const secret = await importKey(parsed.data)
  const key: SigningKey = {
    kid: publicKey.kid,
    purpose: publicKey.purpose,
    publicKey,
    sign: (payload, type) =>
      new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'EdDSA', kid: publicKey.kid, ...(type !== undefined && { typ: type }) })
        .sign(secret),
  }
  try {
    await verifyJws(await key.sign('test'), [publicKey])
  } catch (error) {
    throw new ShoalError('bad-input', 'the private and the public half of this key differ', { cause: error })
  }
  return key
}

/** A compact JWS over the UTF-8 of `payload`. */
export function signJws(payload: string, key: SigningKey, type?: JwsType): Promise<string> {
  return key.sign(payload, type)
}
