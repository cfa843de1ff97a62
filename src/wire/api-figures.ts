/**
 * Figures in the portal's REST API: what each end of a transfer says of it, what follows from that, and who has what.
 * A report is cumulative: lost, repeated or out of order, nothing is counted twice.
 */
import { z } from 'zod'
import { zInfoHash, zIpAddress, zPeerId, zReleaseName, zSlug, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

const zBytes = z.number().int().min(0)

/** What went to and came from one other end. Where it is the portal finds by its address, and then forgets that. */
export const zTransferEnd = z.strictObject({
  at: zIpAddress,
  /** As the reporter's tracker told: of its own site, of another, or an origin or mirror. */
  from: z.enum(['site', 'otherSites', 'origin']),
  receivedBytes: zBytes,
  sentBytes: zBytes,
})
export type TransferEnd = z.input<typeof zTransferEnd>

/** One machine's transfer of one release, from when it began until now. */
export const zTransfer = z.strictObject({
  /** Random: nobody else can name it. */
  session: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'a session of 22 characters expected'),
  /** The highest is the newest. */
  seq: z.number().int().min(1).max(1_000_000_000),
  infohash: zInfoHash,
  /** Since when it counts. */
  ageSeconds: z
    .number()
    .int()
    .min(0)
    .max(limits.transferAgeMax / 1_000),
  /** Verified bytes of what is wanted, then and now. */
  startBytes: zBytes,
  haveBytes: zBytes,
  webSeedBytes: zBytes.default(0),
  /** With whom payload was exchanged; received is what was verified and kept. */
  ends: z.array(zTransferEnd).max(limits.transferEndsMax),
})
export type Transfer = z.input<typeof zTransfer>

export const zTransferReport = z.strictObject({
  /** Of an origin or mirror: as in its presence. */
  peerId: zPeerId.optional(),
  items: z
    .array(zTransfer)
    .min(1)
    .max(limits.transferItemsMax)
    .refine(
      (items) => items.reduce((sum, { ends }) => sum + ends.length, 0) <= limits.transferEndsPerReportMax,
      `at most ${limits.transferEndsPerReportMax} other ends in one report expected`,
    ),
})
export type TransferReport = z.input<typeof zTransferReport>

/** Sessions that were not taken, each with why; they are not to be sent again. */
export const zTransfersTaken = z.object({
  refused: z.array(z.object({ session: z.string(), reason: z.string() })),
})
export type TransfersTaken = z.infer<typeof zTransfersTaken>

/** A column for each kind of server. */
export const zByServer = z.object({ origins: zBytes, mirrors: zBytes, webSeeds: zBytes })
export type ByServer = z.infer<typeof zByServer>

/** What was delivered, and by whom. Bytes. */
export const zFigureRow = z.object({
  delivered: zBytes,
  /** From machines of the same site, and of others. */
  fromSite: zBytes,
  fromOtherSites: zBytes,
  /** By the end that says more: other clients than ours report nothing of what they get. */
  fromServers: zByServer,
  /** As those say who received it, and as those who sent it. */
  receiversSay: zByServer,
  serversSay: zByServer,
  /** 1 - bytes of the server side / bytes delivered; null while nothing was. */
  offload: z.number().min(0).max(1).nullable(),
  /** What entered sites over their WAN links. */
  wan: zBytes,
  /** What clients gave to others. */
  given: zBytes,
})
export type FigureRow = z.infer<typeof zFigureRow>

export const zSiteFigures = zFigureRow.extend({
  site: z.string(),
  /** Of releases that moved in this time, since each began to: bytes over the site's WAN link / size. 1 is perfect. */
  wanCopies: z.number().nullable(),
  releases: z.number().int(),
})
export type SiteFigures = z.infer<typeof zSiteFigures>

export const zFigureQuery = z.object({
  /** Inclusive; without it a week ago. */
  from: zTime.optional(),
  /** Exclusive; without it now. */
  to: zTime.optional(),
})

export const zFigures = z.object({
  from: zTime,
  to: zTime,
  /** What the series counts in: hours, or days where the time is longer or longer ago. */
  step: z.enum(['hour', 'day']),
  total: zFigureRow,
  sites: z.array(zSiteFigures),
  series: z.array(zFigureRow.extend({ at: zTime })),
})
export type Figures = z.infer<typeof zFigures>

export const zReleaseFigures = zFigureRow.extend({
  bundle: zSlug,
  title: z.string(),
  release: zReleaseName,
  infohash: zInfoHash,
  sizeBytes: zBytes,
  /** Bytes of origins / size of the release; 1 is perfect. */
  originCopies: z.number(),
  lastAt: zTime,
  /** Where the two ends do not say the same: a sentence. */
  disagreement: z.string().nullable(),
})
export type ReleaseFigures = z.infer<typeof zReleaseFigures>

export const zReleaseFigureQuery = zFigureQuery.extend({
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})
/** The one that moved last first. */
export const zReleaseFigurePage = z.object({
  items: z.array(zReleaseFigures),
  nextCursor: z.string().nullable(),
})
export type ReleaseFigurePage = z.infer<typeof zReleaseFigurePage>

/** How many of a bundle's audience have each of its newest releases, by the site at which they got it. */
export const zWhoHasIt = z.object({
  bundle: zSlug,
  title: z.string(),
  /** People with accounts that the audience means, guests included. */
  audience: z.number().int(),
  /** The newest first. */
  releases: z.array(
    z.object({
      release: zReleaseName,
      have: z.number().int(),
      missing: z.number().int(),
      /** Who has it without an account that the audience means. */
      others: z.number().int(),
    }),
  ),
  /** `have`: in the order of the releases. */
  sites: z.array(z.object({ site: z.string(), have: z.array(z.number().int()) })),
})
export type WhoHasIt = z.infer<typeof zWhoHasIt>

export const zMissingPeople = z.object({
  items: z.array(z.object({ name: z.string(), displayName: z.string(), email: z.string() })),
  nextCursor: z.string().nullable(),
})
export type MissingPeople = z.infer<typeof zMissingPeople>
