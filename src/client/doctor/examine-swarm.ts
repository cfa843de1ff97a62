/** Asks a tracker as a client would, tries whom it names, and has it try us. */
import { randomBytes } from 'node:crypto'
import type { Endpoint, IpAddress } from '../../core/address.ts'
import { messageOf } from '../../core/errors.ts'
import type { InfoHash, PeerId } from '../../core/ids.ts'
import { SiteMap, type Site } from '../../core/site.ts'
import { seconds, type EpochMillis } from '../../core/units.ts'
import type { DialProbe } from '../../platform/dial-probe.ts'
import type { FetchAnnounce } from '../../swarm/index.ts'
import { announceUrl, parseAnnounceReply, type AnnounceRequest } from '../../wire/announce.ts'
import { peekGrant } from '../../wire/grant.ts'
import { limits } from '../../wire/limits.ts'
import { parseReachReply, reachUrl } from '../../wire/reach.ts'
import { isTrustedBySystem, tlsFaultOf } from './certificates.ts'
import type { PeerFacts, PortFacts, TrackerFacts } from './facts.ts'

export interface SwarmExamParts {
  readonly fetch: FetchAnnounce
  readonly dial: DialProbe
  /** The local address to ask and dial from. */
  readonly from: IpAddress | undefined
}

/** Us in the swarm. */
export interface Place {
  /** With its grant. */
  readonly announce: string
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** Where we listen. */
  readonly port: number
}

const DIAL_TIMEOUT = seconds(4)
/** Of each kind, here and elsewhere: enough to tell a dead path from a dead machine. */
const DIALLED_MAX = 12

export function grantExpiryOf(announce: string): EpochMillis | undefined {
  const token = new URL(announce).searchParams.get('g')
  try {
    return token === null ? undefined : peekGrant(token).claims.expiresAt
  } catch {
    return undefined // a foreign tracker's own affair
  }
}

export async function examineTracker(
  place: Place,
  parts: SwarmExamParts,
  signal: AbortSignal,
): Promise<TrackerFacts> {
  const [url = ''] = place.announce.split('?', 1)
  try {
    const bytes = await parts.fetch(
      announceUrl(place.announce, requestOf(place, 'started')),
      parts.from,
      within(signal),
    )
    const answer = parseAnnounceReply(bytes)
    if (answer.kind === 'refused') return { url, outcome: { kind: 'refused', reason: answer.refusal.reason } }
    return { url, outcome: answer, isTrustedBySystem: await isTrustedBySystem(new URL(url), parts.from) }
  } catch (error) {
    signal.throwIfAborted()
    const tlsFault = tlsFaultOf(error)
    return {
      url,
      outcome: {
        kind: 'unreachable',
        reason: messageOf(error),
        ...(tlsFault !== undefined && { tlsFault }),
      },
    }
  }
}

/** So that nobody is sent to us when we are done. */
export async function leaveSwarm(place: Place, parts: SwarmExamParts): Promise<void> {
  const stopped = announceUrl(place.announce, requestOf(place, 'stopped'))
  await parts.fetch(stopped, parts.from, AbortSignal.timeout(seconds(3))).catch(() => undefined)
}

export async function examinePort(
  place: Place,
  parts: SwarmExamParts,
  signal: AbortSignal,
): Promise<PortFacts> {
  const { port } = place
  const url = reachUrl(place.announce, place)
  try {
    if (url === undefined) return { port, isReachable: undefined }
    return { port, ...parseReachReply(await parts.fetch(url, parts.from, within(signal))) }
  } catch {
    signal.throwIfAborted()
    return { port, isReachable: undefined } // another tracker than ours, or it has no time for us
  }
}

export async function examinePeers(
  peers: readonly Endpoint[],
  site: Site | undefined,
  parts: SwarmExamParts,
): Promise<readonly PeerFacts[]> {
  const map = new SiteMap(site === undefined ? [] : [site])
  const isHere = ({ host }: Endpoint): boolean => map.siteOf(host).name === site?.name
  const here = peers.filter(isHere).slice(0, DIALLED_MAX)
  const elsewhere = peers.filter((peer) => !isHere(peer)).slice(0, DIALLED_MAX)
  return await Promise.all(
    [...here, ...elsewhere].map(async (at) => ({
      at,
      isHere: isHere(at),
      outcome: await parts.dial(at, DIAL_TIMEOUT, parts.from),
    })),
  )
}

function requestOf(place: Place, event: 'started' | 'stopped'): AnnounceRequest {
  return {
    infoHash: place.infoHash,
    peerId: place.peerId,
    port: place.port,
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: Number.MAX_SAFE_INTEGER,
    event,
    numWant: limits.numWantMax,
    key: randomBytes(8).toString('hex'),
    compact: true,
    isOurs: true,
  }
}

const within = (signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(limits.requestTimeout)])
