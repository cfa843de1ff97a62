/**
 * Signed magnets: `x.sig` is the signature part of a JWS (EdDSA, type `shoal-link`) whose payload is the
 * canonical form of all other parameters. Header and payload are rebuilt by whoever checks, so the link
 * carries only the signature and the kid.
 */
import { ShoalError } from '../core/errors.ts'
import type { PublicKey } from './keys.ts'
import { formatMagnet, type Magnet, magnetParameters } from './magnet.ts'
import { percentEncode } from './query.ts'
import type { SigningKey } from './signing-key.ts'
import { verifyJws } from './verify-jws.ts'

/**
 * The same link, signed. A display name that would make it too long for `limits.magnetCharsMax` is cut first:
 * a name is only for show, and a release must not go without a link for it.
 * @throws ShoalError `over-limit` when it is too long even without a name; TypeError for a key that is not for
 *   links.
 */
export async function signMagnet(magnet: Magnet, key: SigningKey): Promise<Magnet> {
  if (key.purpose !== 'link') throw new TypeError(`a ${key.purpose} key does not sign links`)
  const fitting = withNameThatFits({ ...magnet, signature: { kid: key.kid, sig: 'A'.repeat(86) } })
  const jws = await key.sign(canonicalForm(fitting), 'shoal-link')
  const sig = jws.slice(jws.lastIndexOf('.') + 1)
  return { ...fitting, signature: { kid: key.kid, sig } }
}

/** True when one of `keys`, of purpose `link`, signed exactly this. False for an unsigned link. */
export async function verifyMagnet(magnet: Magnet, keys: readonly PublicKey[]): Promise<boolean> {
  if (magnet.signature === undefined) return false
  const { kid, sig } = magnet.signature
  const header = JSON.stringify({ alg: 'EdDSA', kid, typ: 'shoal-link' })
  const input = [header, canonicalForm(magnet)].map((part) => Buffer.from(part).toString('base64url'))
  try {
    await verifyJws(
      [...input, sig].join('.'),
      keys.filter((key) => key.purpose === 'link'),
      'shoal-link',
    )
    return true
  } catch (error) {
    if (error instanceof ShoalError) return false
    throw error
  }
}

/** Every parameter but the signature's own, `name=value`, RFC 3986 unreserved characters kept, sorted, `&` between. */
export function canonicalForm(magnet: Magnet): string {
  return magnetParameters(magnet)
    .map(([name, value]) => `${name}=${percentEncode(Buffer.from(value))}`)
    .sort()
    .join('&')
}

function withNameThatFits(magnet: Magnet): Magnet {
  const { displayName: name = '', ...nameless } = magnet
  for (let chars = name.length; chars > 0; chars = Math.floor(chars * 0.8)) {
    const shorter = { ...magnet, displayName: name.slice(0, chars).toWellFormed() }
    if (fits(shorter)) return shorter
  }
  formatMagnet(nameless)
  return nameless
}

function fits(magnet: Magnet): boolean {
  try {
    formatMagnet(magnet)
    return true
  } catch {
    return false
  }
}
