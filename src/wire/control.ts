/**
 * The control feed: what trackers, seeders and clients must know of a portal without asking its database.
 *
 * `GET /api/v1/control?after=SEQ` is a long poll; each answer is a compact JWS (EdDSA, by the portal key)
 * whose payload is a {@link ControlAnswer}. `after=0`, or a SEQ the portal no longer remembers, gets
 * `snapshot: true`: all that holds now, replacing everything known before. Otherwise the events since.
 */
import { z } from 'zod'
import { zDeviceId, zGrantId, zInfoHash, zIpAddress, zPeerId, zTime } from './api.ts'
import { zPublicKey } from './keys.ts'
import { limits } from './limits.ts'

export const zControlEvent = z.discriminatedUnion('kind', [
  /** A key that signs grants. Replaces one with the same kid. */
  z.object({ kind: z.literal('grant-key'), key: zPublicKey }),
  /** This key's grants are refused from now on. */
  z.object({ kind: z.literal('grant-key-retired'), kid: z.string().max(64) }),
  /** Refuse this grant; may be forgotten after `until`. */
  z.object({ kind: z.literal('grant-revoked'), id: zGrantId, until: zTime }),
  /** Refuse every grant issued before: of all, of one key, of one release. A person's are listed one by one. */
  z.object({
    kind: z.literal('refuse-before'),
    scope: z.enum(['all', 'key', 'release']),
    /** kid or infohash; empty for `all`. */
    value: z.string().max(64),
    before: zTime,
  }),
  /** Nothing that this device shows is good any more; may be forgotten after `until`, when its certificates have ended. */
  z.object({ kind: z.literal('device-revoked'), device: zDeviceId, until: zTime }),
  /** Recalled: no grant for it is good any more, seeders stop serving it. */
  z.object({ kind: z.literal('recalled'), infohash: zInfoHash }),
  /** How many distinct addresses a grant may announce from, where it is not the default. */
  z.object({ kind: z.literal('grant-peers'), id: zGrantId, peersMax: z.number().int().min(1), until: zTime }),
  /** An origin or mirror serves these (adds to what it served). Service tokens only. */
  z.object({
    kind: z.literal('serves'),
    peerId: zPeerId,
    role: z.enum(['origin', 'mirror']),
    host: zIpAddress,
    port: z.number().int().min(1).max(65_535),
    infohashes: z.array(zInfoHash).max(limits.presenceHashesMax),
  }),
  /** It no longer serves these; without a list, none. Service tokens only. */
  z.object({
    kind: z.literal('serves-not'),
    peerId: zPeerId,
    infohashes: z.array(zInfoHash).max(limits.presenceHashesMax).optional(),
  }),
  /** A release waits for an origin to fetch it in full. Service tokens only. */
  z.object({ kind: z.literal('wanted'), infohash: zInfoHash }),
  /** A new epoch says: announce again, spread over 45 s. */
  z.object({ kind: z.literal('epoch'), epoch: z.number().int() }),
])
export type ControlEvent = z.infer<typeof zControlEvent>

export const zControlAnswer = z.object({
  portal: z.url(),
  /** Ask for what comes after this. */
  seq: z.number().int().min(0),
  snapshot: z.boolean(),
  at: zTime,
  events: z.array(zControlEvent),
})
export type ControlAnswer = z.infer<typeof zControlAnswer>
