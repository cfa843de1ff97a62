/**
 * What supervisor and child say to each other. Both sides read what they are told by these schemas: the child meets
 * strangers in native code, so the supervisor believes it no more than it would believe a stranger.
 */
import { z } from 'zod'
import { zInfoHash, zIpAddress } from '../wire/api-scalars.ts'
import { zIceServers } from '../wire/ice-servers.ts'
import { limits } from '../wire/limits.ts'

const zBytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const zAnnounceUrls = z.array(z.string().max(limits.urlCharsMax)).min(1).max(4)
const zRate = z.number().positive().optional()
const zSchedule = z.strictObject({
  usual: zRate,
  rules: z.array(
    z.strictObject({
      days: z.tuple([z.number(), z.number()]),
      minutes: z.tuple([z.number(), z.number()]),
      rate: zRate,
    }),
  ),
})
const zSites = z.array(z.strictObject({ name: z.string(), cidrs: z.array(z.string()) }).loose())

export const zBegin = z.strictObject({
  kind: z.literal('begin'),
  udpPort: z.number().int().min(0).max(65_535),
  bindAddress: zIpAddress.optional(),
  /** Where peers dial, for one that fetches; absent: nobody can, and it dials nobody. */
  peerPort: z.number().int().min(0).max(65_535).optional(),
  peersMax: z.number().int().min(1),
  limitUp: zSchedule.optional(),
  iceServers: zIceServers,
  sites: zSites,
})

/** A release to be served; said again after each start of the child. */
export const zServe = z.strictObject({
  kind: z.literal('serve'),
  infohash: zInfoHash,
  /** Its info dictionary. */
  info: z.custom<Uint8Array>((is) => is instanceof Uint8Array && is.length <= limits.torrentBytesMax),
  folder: z.string(),
  /** `files`: all of it lies in `folder`. `fetch`: into `folder`, what is not there yet. */
  from: z.enum(['files', 'fetch']),
  /** With the grant: the first that works, over HTTP or a WebSocket. */
  announceUrls: zAnnounceUrls,
})

export const zToChild = z.discriminatedUnion('kind', [
  zBegin,
  zServe,
  z.strictObject({ kind: z.literal('grant'), infohash: zInfoHash, announceUrls: zAnnounceUrls }),
  z.strictObject({ kind: z.literal('drop'), infohash: zInfoHash }),
  z.strictObject({ kind: z.literal('sites'), sites: zSites }),
  z.strictObject({ kind: z.literal('ping'), n: z.number().int() }),
  z.strictObject({ kind: z.literal('stop') }),
])
export type ToChild = z.input<typeof zToChild>
export type Begin = z.input<typeof zBegin>
export type Serve = z.input<typeof zServe>

const zEnd = z.strictObject({
  at: zIpAddress,
  from: z.enum(['site', 'otherSites', 'origin']),
  receivedBytes: zBytes,
  sentBytes: zBytes,
})

export const zFromChild = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready'), udpPort: z.number().int().min(1).max(65_535) }),
  /** The answer to `ping`. */
  z.strictObject({
    kind: z.literal('alive'),
    n: z.number().int(),
    rssBytes: zBytes,
    sentBytes: zBytes,
    refused: zBytes,
    /** Releases that are served, with how many browsers are connected. */
    releases: z
      .array(z.strictObject({ infohash: zInfoHash, peers: zBytes, isWhole: z.boolean() }))
      .max(limits.watchedReleasesMax),
    /** Payload by the other end since the last answer. */
    traffic: z
      .array(
        z.strictObject({
          infohash: zInfoHash,
          ends: z.array(zEnd).min(1).max(limits.transferEndsPerReportMax),
        }),
      )
      .max(limits.watchedReleasesMax),
  }),
  /** It cannot be served: the files are not there, the torrent cannot be read. */
  z.strictObject({ kind: z.literal('failed'), infohash: zInfoHash, reason: z.string().max(1_000) }),
  /** The tracker refuses its grant. */
  z.strictObject({ kind: z.literal('refused'), infohash: zInfoHash, reason: z.string().max(1_000) }),
  z.strictObject({
    kind: z.literal('log'),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    text: z.string().max(1_000),
  }),
])
export type FromChild = z.infer<typeof zFromChild>
export type Alive = Extract<FromChild, { kind: 'alive' }>
