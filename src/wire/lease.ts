/**
 * Leases: whether the tracker knows a live peer of a swarm at an address. Who serves asks it about whoever dials
 * (`GET /lease?g=GRANT&info_hash=..&peer=ADDRESS`, `peer` up to {@link limits.leasePeersMax} times), and is
 * answered in the order of the question. Not in any BEP: only our own programs ask.
 */
import { type IpAddress, tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { bytesOf, infoHash, type InfoHash, infoHashOfBytes } from '../core/ids.ts'
import { type Millis, seconds } from '../core/units.ts'
import { decodeTwentyBytes, grantOf, withQuery } from './announce.ts'
import { type BencodeValue, decodeBencode, dictOf, encodeBencode } from './bencode.ts'
import { asDict, bytesAt, displayText, intAt, listAt, present, textAt } from './bencode-read.ts'
import { peekGrant } from './grant.ts'
import { limits } from './limits.ts'
import { oneOf, parseQuery, percentDecode, percentEncode } from './query.ts'

/**
 * A grant for this "release" is a serving grant: it lets its holder, an origin or mirror, ask for the leases of
 * every swarm, and opens none. No file has this hash.
 */
export const SERVING_INFO_HASH: InfoHash = infoHash('0'.repeat(40))

export interface LeaseQuestion {
  readonly infoHash: InfoHash
  readonly peers: readonly IpAddress[]
  readonly grant?: string
}

/** What the tracker knows of the peers at one address. */
export interface PeerLease {
  /** How long it holds from now on, if none of them announces again. */
  readonly leftMs: Millis
  /** Name of the site of the address. */
  readonly site: string
  /** One that brings pieces from other sites into its own. */
  readonly isBridge: boolean
  /** Each that announced from there says to be our own client: nothing secret may depend on it. */
  readonly isOurs: boolean
}

/**
 * Undefined: no peer there. `unsure`: nobody has announced from there, but the tracker has begun so lately that not
 * everybody can have.
 */
export type LeaseAnswer = PeerLease | 'unsure' | undefined

/** An address of IPv6 whose colons are percent-encoded, and a name. */
const PEER_CHARS_MAX = 70
const SITE_CHARS_MAX = 64
export const LEASE_QUERY_CHARS_MAX = limits.leasePeersMax * PEER_CHARS_MAX + limits.grantCharsMax + 100

/** @throws ShoalError `bad-input` without an address; `over-limit` with more than `limits.leasePeersMax`. */
export function parseLeaseQuery(rawQuery: string): LeaseQuestion {
  const query = parseQuery(rawQuery, LEASE_QUERY_CHARS_MAX)
  const hash = oneOf(query, 'info_hash')
  if (hash === undefined) throw new ShoalError('bad-input', 'info_hash is missing')
  const named = query.get('peer') ?? []
  if (named.length === 0) throw new ShoalError('bad-input', 'peer is missing')
  if (named.length > limits.leasePeersMax)
    throw new ShoalError('over-limit', `at most ${limits.leasePeersMax} peers in one question`)
  const grant = grantOf(query)
  return {
    infoHash: infoHashOfBytes(decodeTwentyBytes(hash, 'info_hash')),
    peers: named.map(addressOf),
    ...(grant !== undefined && { grant }),
  }
}

function addressOf(text: string): IpAddress {
  const bytes = text.length > PEER_CHARS_MAX ? undefined : percentDecode(text, 'peer')
  const host = bytes === undefined ? undefined : tryIpAddress(Buffer.from(bytes).toString('latin1'))
  if (host === undefined) throw new ShoalError('bad-input', 'peer: an IP address expected')
  return host
}

/** The URL of a question. `base`: {@link leaseUrlOf}, or what the portal gave; it carries the grant. */
export function leaseQuestionUrl(base: string, about: Omit<LeaseQuestion, 'grant'>): string {
  return withQuery(base, [
    ['info_hash', percentEncode(bytesOf(about.infoHash))],
    ...about.peers.map((host) => ['peer', percentEncode(Buffer.from(host, 'latin1'))] as const),
  ])
}

/**
 * Where to ask the tracker of an announce URL, with the same grant; undefined when it is not one of ours: those
 * carry a grant for this swarm, other trackers do not know the question.
 */
export function leaseUrlOf(announce: string, swarm: InfoHash): string | undefined {
  const at = /^https?:\/\/[^/?#]+\/announce(?=\?)/i.exec(announce)?.[0]
  if (at === undefined || !carriesGrantFor(announce.slice(at.length), swarm)) return undefined
  return `${at.slice(0, -'announce'.length)}lease${announce.slice(at.length)}`
}

function carriesGrantFor(query: string, swarm: InfoHash): boolean {
  try {
    const token = grantOf(parseQuery(query))
    return token !== undefined && peekGrant(token).claims.infoHash === swarm
  } catch (error) {
    if (error instanceof ShoalError) return false
    throw error
  }
}

/** In the order of the question. */
export function encodeLeaseReply(leases: readonly LeaseAnswer[]): Uint8Array {
  return encodeBencode(
    dictOf({
      leases: leases.map((lease) =>
        lease === undefined || lease === 'unsure'
          ? dictOf({ unsure: lease === undefined ? undefined : 1 })
          : dictOf({
              bridge: Number(lease.isBridge),
              ours: Number(lease.isOurs),
              seconds: Math.ceil(lease.leftMs / 1_000),
              site: lease.site,
            }),
      ),
    }),
  )
}

/**
 * `asked`: of how many addresses the question was.
 * @throws ShoalError `bad-input`; `not-granted` with the tracker's sentence when it refused.
 */
export function parseLeaseReply(bytes: Uint8Array, asked: number): LeaseAnswer[] {
  if (bytes.length > limits.trackerReplyBytesMax)
    throw new ShoalError('over-limit', "the tracker's reply is too long")
  const dict = asDict(decodeBencode(bytes), 'leases')
  const reason = bytesAt(dict, 'failure reason', 'leases')
  if (reason !== undefined) throw new ShoalError('not-granted', displayText(reason, 400))
  const list = present(listAt(dict, 'leases', 'reply'), 'leases', 'reply')
  if (list.length !== asked) throw new ShoalError('bad-input', `leases: ${asked} expected`)
  return list.map(leaseOf)
}

function leaseOf(value: BencodeValue): LeaseAnswer {
  const dict = asDict(value, 'lease')
  if (dict.size === 0) return undefined
  if (bitAt(dict, 'unsure')) return 'unsure'
  const left = present(intAt(dict, 'seconds', 'lease'), 'seconds', 'lease')
  const site = present(textAt(dict, 'site', 'lease'), 'site', 'lease')
  if (left < 0 || left * 1_000 > limits.grantLifeMax + limits.clockLeeway || site.length > SITE_CHARS_MAX)
    throw new ShoalError('over-limit', 'lease: beyond what any is')
  return {
    leftMs: seconds(left),
    site,
    isBridge: bitAt(dict, 'bridge'),
    isOurs: bitAt(dict, 'ours'),
  }
}

function bitAt(dict: ReturnType<typeof asDict>, key: string): boolean {
  const bit = intAt(dict, key, 'lease') ?? 0
  if (bit !== 0 && bit !== 1) throw new ShoalError('bad-input', `lease: "${key}": 0 or 1 expected`)
  return bit === 1
}
