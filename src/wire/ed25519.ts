/**
 * A signature over Ed25519 (RFC 8032) by node:crypto itself, for texts of which one spelling only is let pass
 * (`strict-token.ts`): a tracker checks one for each grant that it has not seen, and what else is in a JWS, which `jose`
 * looks at, costs it half as much again.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { PublicKey } from './keys.ts'

/** Rejects with whatever is wrong with a key that is none. Does not hold up other work meanwhile. */
export function isSignedBy(key: PublicKey, text: string, signature: Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(null, Buffer.from(text, 'latin1'), keyObjectOf(key), signature, (error, isGood) => {
      if (error === null) resolve(isGood)
      else reject(error)
    })
  })
}

const keyObjects = new WeakMap<PublicKey, KeyObject>()

function keyObjectOf(key: PublicKey): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const made = createPublicKey({ key: { kty: key.kty, crv: key.crv, x: key.x }, format: 'jwk' })
  if (made.asymmetricKeyType !== 'ed25519') throw new TypeError('this is no Ed25519 key')
  keyObjects.set(key, made)
  return made
}
