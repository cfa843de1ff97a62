/**
 * The shapes of the portal's REST API, once: the portal validates and documents by them, our own programs
 * read answers by them. Sizes are bytes, times ISO 8601 UTC.
 */
import { z } from 'zod'
import {
  zDeviceId,
  zGrantId,
  zInfoHash,
  zIpAddress,
  zPeerId,
  zReleaseName,
  zSlug,
  zText,
  zTime,
} from './api-scalars.ts'
import { zAdmit, zAudience, zDescription, zTags, zTitle } from './api-bundle-fields.ts'
import { zKind, zMedia } from './api-media.ts'
import { zPassword, zRole } from './api-people.ts'
import { limits } from './limits.ts'

export * from './api-admin.ts'
export { zAdmit } from './api-bundle-fields.ts'
export * from './api-drafts.ts'
export * from './api-figures.ts'
export * from './api-grants.ts'
export * from './api-learning.ts'
export * from './api-login.ts'
export * from './api-media.ts'
export * from './api-people.ts'
export * from './api-requests.ts'
export * from './api-watch.ts'
export * from './api-scalars.ts'

const zPort = z.number().int().min(1).max(65_535)
const zSize = z.number().int().min(0)

/** `missing`: it was live, and the origin has lost its files. */
export const zReleaseState = z.enum([
  'draft',
  'uploading',
  'hashing',
  'scanning',
  'live',
  'missing',
  'recalled',
  'failed',
])
export type ReleaseState = z.infer<typeof zReleaseState>

export const zFile = z.object({ path: z.string(), sizeBytes: zSize })

export const zRelease = z.object({
  name: zReleaseName,
  state: zReleaseState,
  /** Why, when the state is `failed`, `missing` or `recalled`. */
  reason: z.string().optional(),
  infohash: zInfoHash,
  sizeBytes: zSize,
  pieceLengthBytes: z.number().int(),
  notes: z.string(),
  admit: zAdmit,
  publishedAt: zTime,
  publishedBy: z.string(),
  /** Who vouches that it may be shared, and why. */
  rights: z.string().default(''),
  /** When it is recalled by itself; absent: never. */
  expiresAt: zTime.optional(),
  /** Once somebody who has the files has said it. */
  media: zMedia.optional(),
  hasPoster: z.boolean().optional(),
  /** Another one each time the poster is: `?v=` of its address, so that it may be kept. */
  posterTag: z.string().optional(),
})
export type Release = z.infer<typeof zRelease>

/** A bundle as a list shows it: with its newest live release, if any. */
export const zBundle = z.object({
  bundle: zSlug,
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  owner: z.string(),
  audience: z.array(z.string()),
  updatedAt: zTime,
  latest: zRelease.nullable(),
  kind: zKind.optional(),
})
export type Bundle = z.infer<typeof zBundle>

/** A bundle in full: its releases newest first, each with its files. */
export const zBundleDetail = zBundle.extend({
  releases: z.array(
    zRelease.extend({ contentName: z.string(), isSingleFile: z.boolean(), files: z.array(zFile) }),
  ),
})
export type BundleDetail = z.infer<typeof zBundleDetail>

export const zBundlePage = z.object({
  items: z.array(zBundle),
  nextCursor: z.string().nullable(),
  /** The words that were looked for in place of `q`, which is in nothing; give them as `q` with the cursor. */
  instead: z.string().optional(),
})

export const zBundleQuery = z.object({
  q: z.string().max(limits.queryCharsMax).optional(),
  tag: z.string().max(limits.tagCharsMax).optional(),
  kind: zKind.optional(),
  /** Without words; with words the best come first. */
  sort: z.enum(['newest', 'title']).optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})

export const zNewBundle = z.strictObject({
  title: zTitle,
  /** Wanted name; without it the title makes one, and `-2`, `-3` when it is taken. */
  bundle: zSlug.optional(),
  description: zDescription.default(''),
  tags: zTags.default([]),
  audience: zAudience.default(['everyone']),
})
export type NewBundle = z.input<typeof zNewBundle>

/** What is absent stays. */
export const zBundleChange = z.strictObject({
  title: zTitle.optional(),
  description: zDescription.optional(),
  tags: zTags.optional(),
  audience: zAudience.optional(),
})
export type BundleChange = z.infer<typeof zBundleChange>

/** The query beside the .torrent bytes of `POST /bundles/SLUG/releases` (body: application/x-bittorrent). */
export const zNewReleaseQuery = z.object({
  /** Without it: the next number. */
  release: zReleaseName.optional(),
  notes: zText.max(limits.notesCharsMax).default(''),
  admit: zAdmit.default('any'),
  /** Who vouches that the content may be shared, and why (licence, ownership). */
  rights: zText.max(400).default(''),
})
export type NewReleaseQuery = z.input<typeof zNewReleaseQuery>

export const zLinkRequest = z.strictObject({
  expiresInSeconds: z
    .number()
    .int()
    .min(1)
    .max(limits.grantLifeMax / 1_000)
    .default(24 * 3_600),
  /** Globs over landing paths; the magnet then selects these files (BEP 53). */
  files: z.array(z.string().min(1).max(limits.fileGlobCharsMax)).max(limits.fileGlobsMax).optional(),
  /** Distinct addresses that may use the grant. */
  peersMax: z.number().int().min(1).max(limits.peersPerGrantMax).optional(),
  webSeed: z
    .boolean()
    .default(false)
    .meta({ description: 'the link names the portal as a web seed (BEP 19), and its grant opens that' }),
  /** The device that it is for: needed for a release that is for our clients only. */
  device: zDeviceId.optional(),
  /** For whom: an account's name. Publishers and admins only. */
  for: zText.min(1).max(64).optional(),
  /** The link stands on a page of its own, too, and is shown there for this password. Publishers and admins only. */
  password: zPassword.optional(),
})
export type LinkRequest = z.input<typeof zLinkRequest>

export const zLink = z.object({
  magnet: z.string(),
  torrentUrl: z.url(),
  playUrl: z.url(),
  infohash: zInfoHash,
  grant: z.object({ id: zGrantId, expiresAt: zTime }),
  /** Where the link is shown for the password, when it was made with one. */
  pageUrl: z.url().optional(),
})
export type Link = z.infer<typeof zLink>

/** Renewal: the new token itself, since the holder of the old one asked. */
export const zRenewal = z.object({
  grant: z.object({ id: zGrantId, expiresAt: zTime, token: z.string().max(limits.grantCharsMax) }),
  announceUrl: z.url(),
})
export type Renewal = z.infer<typeof zRenewal>

export const zGrant = z.object({
  id: zGrantId,
  bundle: zSlug,
  release: zReleaseName,
  for: z.string(),
  issuedBy: z.string(),
  issuedAt: zTime,
  expiresAt: zTime,
  revokedAt: zTime.nullable(),
  peersMax: z.number().int(),
})
export const zGrantPage = z.object({ items: z.array(zGrant), nextCursor: z.string().nullable() })

/**
 * What an origin or mirror serves, all at once or in parts; repeated every minute, it holds for three. The
 * address is where peers dial it; without `host` it is the address the request came from.
 */
export const zPresence = z.strictObject({
  peerId: zPeerId,
  kind: z.enum(['origin', 'mirror']),
  host: zIpAddress.optional(),
  port: zPort,
  /** Releases it holds in full, every byte verified. A `draft..scanning` or `missing` one goes live by this. */
  complete: z.array(zInfoHash).max(limits.presenceHashesMax),
  /** Releases that it is fetching from a publisher. */
  partial: z.array(zInfoHash).max(limits.presenceHashesMax).default([]),
  /** Releases whose files it has lost or found changed, with the sentence to show. */
  missing: z
    .array(z.object({ infohash: zInfoHash, reason: zText.max(400) }))
    .max(limits.presenceHashesMax)
    .default([]),
  /** Leaving: what this origin serves is forgotten at once. */
  stopping: z.boolean().default(false),
})
export type Presence = z.input<typeof zPresence>

/**
 * The answer to a report: the serving grant of the machine (`wire/lease.ts`) inside the URL at which the tracker
 * tells who has a lease; null for one that leaves or reports without a token.
 */
export const zServing = z.object({
  id: zGrantId,
  expiresAt: zTime,
  leaseUrl: z.url().max(limits.urlCharsMax),
})
export const zPresenceAnswer = z.object({ serving: zServing.nullable() })
export type PresenceAnswer = z.infer<typeof zPresenceAnswer>

/** Releases that wait for an origin: published from elsewhere, not yet held in full. Origins only. */
export const zWanted = z.object({
  items: z.array(
    z.object({
      infohash: zInfoHash,
      bundle: zSlug,
      release: zReleaseName,
      sizeBytes: zSize,
      admit: zAdmit.default('any'),
    }),
  ),
})

/** What is said of a site beside its ranges (`core/site.ts`). Absent: nothing out of the ordinary. */
export const zSitePolicy = z.object({
  /** `off`: its machines take from origins and mirrors only, and are told to nobody. */
  peering: z.literal('off').optional(),
  /** 0: its machines are introduced to no other site. */
  wanBytesPerSecond: z.number().int().min(0).max(limits.siteWanBytesPerSecondMax).optional(),
})
export const zSite = zSitePolicy.extend({
  name: z.string().min(1).max(64),
  cidrs: z.array(z.string().max(64)).max(1_000),
})
/** `unlisted`: the policy of every address that no site lists. */
export const zSiteList = z.object({ items: z.array(zSite), unlisted: zSitePolicy.optional() })

/** Whom the token or session stands for. */
export const zMe = z.object({ user: z.string(), role: zRole, groups: z.array(z.string()) })
export type Me = z.infer<typeof zMe>

/** The answer of `DELETE /users/NAME/grants`: how many live grants were revoked. */
export const zRevoked = z.object({ revoked: z.number().int().min(0) })

/** RFC 9457. `code` is the ErrorCode of `core/errors.ts`. */
export const zProblem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  code: z.string().optional(),
})
export type Problem = z.infer<typeof zProblem>
