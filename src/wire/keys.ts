/**
 * A portal's keys. All are Ed25519; each signs one kind of thing.
 *
 * - `portal`: who the portal is. Clients pin it. Signs the key document and the control feed.
 * - `link`: signs magnet links.
 * - `grant`: signs grants; two are live at a time.
 *
 * The key document (`/.well-known/jwks.json`) is a JWK Set (RFC 7517) with a signed copy of itself beside:
 * `document` is a compact JWS by the portal key over a {@link KeyDocument}; `countersigned` is the same by
 * the portal key before this one, so that whoever pinned that one may follow.
 */
import { z } from 'zod'
import { limits } from './limits.ts'

export const zKeyPurpose = z.enum(['portal', 'link', 'grant'])
export type KeyPurpose = z.infer<typeof zKeyPurpose>

/** A public JWK (RFC 8037) with the purpose that we give it. */
export const zPublicKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
  kid: z.string().regex(/^[A-Za-z0-9_-]{1,16}$/),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  purpose: zKeyPurpose,
})
export type PublicKey = z.infer<typeof zPublicKey>

export const zKeyDocument = z.object({
  /** The portal's public origin, e.g. `https://media.example.com`. */
  portal: z.url(),
  /** Other `host:port`s that links of this portal may name (a tracker of its own, say). */
  hosts: z.array(z.string().max(255)).max(32),
  keys: z.array(zPublicKey).max(16),
  /** The certificate of the CA that certifies devices, PEM. Absent before the portal had one. */
  deviceCa: z.string().max(limits.certificateCharsMax).optional(),
  issuedAt: z.iso.datetime(),
})
export type KeyDocument = z.infer<typeof zKeyDocument>

export const zJwks = z.object({
  keys: z.array(zPublicKey).max(16),
  document: z.string().max(16_384),
  countersigned: z.string().max(16_384).optional(),
})
export type Jwks = z.infer<typeof zJwks>
