/**
 * Checking a signature: compact JWS (RFC 7515) with EdDSA over Ed25519 (RFC 8037), by `jose`. No other
 * algorithm is accepted anywhere. Apart from `signing-key.ts`, and by the parts of `jose` that it needs, loaded with
 * the first signature: every `shoal get` comes by here, and many check none before their first announce.
 */
import type { CryptoKey, JWK } from 'jose'
import type * as JwsVerify from 'jose/jws/compact/verify'
import { ShoalError } from '../core/errors.ts'
import type { PublicKey } from './keys.ts'

/** What a JWS is for (`typ`): one that was signed as one kind of thing is never read as another. */
export type JwsType = 'shoal-keys' | 'shoal-control' | 'shoal-link' | 'shoal-permit'

/**
 * The payload, when one of `keys` signed it, as a JWS of this type. Which key is `kidOfJws`.
 * @throws ShoalError `not-granted` for every other text.
 */
export async function verifyJws(jws: string, keys: readonly PublicKey[], type?: JwsType): Promise<string> {
  try {
    verifying ??= import('jose/jws/compact/verify')
    const { compactVerify } = await verifying
    const { payload, protectedHeader } = await compactVerify(
      jws,
      async (header) => {
        const key = keys.find((k) => k.kid === header.kid)
        if (key === undefined) throw new ShoalError('not-granted', 'an unknown key')
        return importedPublic(key)
      },
      { algorithms: ['EdDSA'] },
    )
    if (protectedHeader.typ !== type) throw new ShoalError('not-granted', 'signed as another kind of thing')
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch (error) {
    throw new ShoalError('not-granted', 'the signature is not by a key that counts here', { cause: error })
  }
}

/** Kept, since to ask for a module again takes 15 µs of an announce. */
let verifying: Promise<typeof JwsVerify> | undefined

const importedKeys = new WeakMap<PublicKey, Promise<CryptoKey>>()

function importedPublic(key: PublicKey): Promise<CryptoKey> {
  const known = importedKeys.get(key) ?? importKey(publicPart(key))
  importedKeys.set(key, known)
  return known
}

/** The fields that a public key has, and no other: a private half must not slip in. */
function publicPart(key: PublicKey): JWK {
  return { kty: key.kty, crv: key.crv, alg: key.alg, use: key.use, kid: key.kid, x: key.x }
}

/** @throws ShoalError `bad-input` when it is no Ed25519 key. */
export async function importKey(jwk: JWK): Promise<CryptoKey> {
  try {
    const { importJWK } = await import('jose/key/import')
    const key = await importJWK({ ...jwk, ext: false }, 'EdDSA')
    if (!(key instanceof Uint8Array)) return key
  } catch (error) {
    throw new ShoalError('bad-input', 'this is no Ed25519 key', { cause: error })
  }
  throw new ShoalError('bad-input', 'this is no Ed25519 key')
}
