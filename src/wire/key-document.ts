/**
 * A portal's key document (`keys.ts`): made by the portal, opened by whoever wants to know which keys count.
 * It is signed by the portal key that it lists; a client that pinned the key before that one follows when
 * that key signed the same document too.
 */
import { ShoalError } from '../core/errors.ts'
import { type Jwks, type KeyDocument, type PublicKey, zJwks, zKeyDocument } from './keys.ts'
import type { SigningKey } from './signing-key.ts'
import { verifyJws } from './verify-jws.ts'

/** @throws TypeError when `key` is not a portal key that the document lists. */
export async function signKeyDocument(
  doc: KeyDocument,
  key: SigningKey,
  previous?: SigningKey,
): Promise<Jwks> {
  if (portalKeyIn(doc, key.publicKey) === undefined)
    throw new TypeError('the document does not list the portal key that signs it')
  const payload = JSON.stringify(doc)
  const document = await key.sign(payload, 'shoal-keys')
  if (previous === undefined) return { keys: doc.keys, document }
  return { keys: doc.keys, document, countersigned: await previous.sign(payload, 'shoal-keys') }
}

/**
 * What the portal says of its keys, and the portal key that says it. Without `pinned` that key vouches for
 * itself: the caller is about to trust it for the first time. The caller also checks that `document.portal` is
 * the portal it asked.
 * @throws ShoalError `bad-input` when it cannot be read; `not-granted` when the pinned key signed neither it
 *   nor its countersigned copy.
 */
export async function openJwks(
  jwks: unknown,
  pinned?: PublicKey,
): Promise<{ document: KeyDocument; portalKey: PublicKey }> {
  const parsed = zJwks.safeParse(jwks)
  if (!parsed.success) throw new ShoalError('bad-input', "the portal's key document cannot be read")
  const outer = parsed.data
  const claimed = outer.keys.filter((key) => key.purpose === 'portal')
  const payload = await verifyJws(outer.document, claimed, 'shoal-keys')
  const document = documentOf(payload)
  const signer = claimed.find((key) => key.kid === kidOfJws(outer.document))
  const portalKey = signer === undefined ? undefined : portalKeyIn(document, signer)
  if (portalKey === undefined)
    throw new ShoalError('not-granted', 'the key document is signed by a key that it does not list')
  if (pinned !== undefined && pinned.x !== portalKey.x) await mustBeCountersigned(outer, payload, pinned)
  return { document, portalKey }
}

async function mustBeCountersigned(outer: Jwks, payload: string, pinned: PublicKey): Promise<void> {
  const copy = outer.countersigned
  const vouched =
    copy === undefined ? undefined : await verifyJws(copy, [pinned], 'shoal-keys').catch(() => undefined)
  if (pinned.purpose !== 'portal' || vouched !== payload)
    throw new ShoalError(
      'not-granted',
      "the portal's key changed, and the key trusted so far did not sign the new one",
    )
}

function documentOf(payload: string): KeyDocument {
  const document = zKeyDocument.safeParse(jsonOf(payload))
  if (!document.success) throw new ShoalError('bad-input', "the portal's key document cannot be read")
  const kids = new Set(document.data.keys.map((key) => key.kid))
  if (kids.size !== document.data.keys.length)
    throw new ShoalError('bad-input', "the portal's key document names two keys alike")
  return document.data
}

function portalKeyIn(document: KeyDocument, key: PublicKey): PublicKey | undefined {
  return document.keys.find((k) => k.purpose === 'portal' && k.kid === key.kid && k.x === key.x)
}

function kidOfJws(jws: string): unknown {
  const header = jsonOf(Buffer.from(jws.split('.', 1)[0] ?? '', 'base64url').toString())
  return typeof header === 'object' && header !== null && 'kid' in header ? header.kid : undefined
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
