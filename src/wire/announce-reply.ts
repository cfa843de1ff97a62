/**
 * What the tracker answers (BEP 3, 7, 23, 24, 31), and what it adds for our own clients: where they are
 * (`sh site`), what each peer is (`sh peers`), the epoch of its peer lists (`sh epoch`), and the swarm's key
 * (`sh key`).
 */
import { addressOfBytes, bytesOfAddress, type Endpoint, type IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type PeerId } from '../core/ids.ts'
import { canonicalCidr, policyOf, type Site, type SitePolicy } from '../core/site.ts'
import { type Millis, minutes, seconds } from '../core/units.ts'
import { type BencodeDict, type BencodeInput, decodeBencode, dictOf, encodeBencode } from './bencode.ts'
import {
  asDict,
  asText,
  bytesAt,
  dictAt,
  displayText,
  intAt,
  listAt,
  present,
  textAt,
} from './bencode-read.ts'
import { flagsByte, parsePeers, type PeerFlags } from './announce-peers.ts'
import { encodeCompactV4, encodeCompactV6, splitByFamily } from './compact-peers.ts'
import { compactReplyText } from './compact-reply.ts'
import { limits } from './limits.ts'
import { type PackedPeers, someOf, withPacked } from './packed-peers.ts'
import { bytesOfSwarmKey, type SwarmKey, swarmKeyOfBytes } from './swarm-key.ts'

export interface AnnouncedPeer extends Endpoint {
  /** Only in replies that are not compact. */
  readonly peerId?: PeerId
  /** Only in replies to our own clients. */
  readonly flags?: PeerFlags
  /** Address and port as compact replies have them, a character a byte, where they are at hand. */
  readonly packed?: string
}

export interface AnnounceReply {
  /** As the tracker gave it, in whole seconds: the announcer clamps it to what it believes. */
  readonly intervalMs: Millis
  readonly minIntervalMs?: Millis
  /** Seeds, and leechers, that the tracker knows. */
  readonly complete: number
  readonly incomplete: number
  /** In a compact reply IPv4 ones come first. */
  readonly peers: readonly AnnouncedPeer[]
  /** Further ones, in a reply that is compact; in none that was parsed. */
  readonly packed?: PackedPeers
  /** Where the tracker sees us (BEP 24). */
  readonly externalIp?: IpAddress
  readonly site?: Site
  /** Peers of the swarm at the site, ourselves included; told where the site has a budget for them to share. */
  readonly sitePeers?: number
  readonly epoch?: number
  readonly swarmKey?: SwarmKey
  readonly warning?: string
}

export interface AnnounceRefusal {
  /** A sentence that clients show to people. */
  readonly reason: string
  /** BEP 31, in whole minutes. */
  readonly retryInMs?: Millis | 'never'
}

const REASON_CHARS_MAX = 400
/** A site has a handful of ranges; a reply has no room for a thousand. */
const SITE_CIDRS_MAX = 64

/**
 * `compact` false gives a list of dictionaries; `withFlags` is for our own clients only. Flags stand in the
 * order in which the peers do, IPv4 first in the compact form.
 */
export function encodeAnnounceReply(
  reply: AnnounceReply,
  form: { readonly compact: boolean; readonly withFlags: boolean },
): Uint8Array {
  const { v4, v6 } = splitByFamily(reply.peers)
  const ordered = form.compact ? [...v4, ...v6] : reply.peers
  return encodeBencode(
    dictOf({
      complete: reply.complete,
      'external ip': reply.externalIp === undefined ? undefined : bytesOfAddress(reply.externalIp),
      incomplete: reply.incomplete,
      interval: Math.ceil(reply.intervalMs / 1_000),
      'min interval': reply.minIntervalMs === undefined ? undefined : Math.ceil(reply.minIntervalMs / 1_000),
      peers: form.compact ? withPacked(encodeCompactV4(v4), reply.packed?.v4) : reply.peers.map(peerDict),
      peers6: form.compact ? someOf(withPacked(encodeCompactV6(v6), reply.packed?.v6)) : undefined,
      'warning message': reply.warning,
      ...(form.withFlags && {
        'sh epoch': reply.epoch,
        'sh key': reply.swarmKey === undefined ? undefined : bytesOfSwarmKey(reply.swarmKey),
        'sh peers': Uint8Array.from(ordered, (peer) => flagsByte(peer.flags)),
        'sh site': reply.site === undefined ? undefined : siteDict(reply.site, reply.sitePeers),
      }),
    }),
  )
}

/** The same bytes, a character each. */
export function announceReplyText(
  reply: AnnounceReply,
  form: { readonly compact: boolean; readonly withFlags: boolean },
): string {
  if (form.compact && !form.withFlags && reply.warning === undefined) return compactReplyText(reply)
  const bytes = encodeAnnounceReply(reply, form)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** BEP 31: minutes, rounded up. Sent with status 200, since stock clients do not read the body of another. */
export function encodeAnnounceRefusal(refusal: AnnounceRefusal): Uint8Array {
  const retry = refusal.retryInMs
  return encodeBencode(
    dictOf({
      'failure reason': refusal.reason,
      'retry in': typeof retry === 'number' ? Math.max(1, Math.ceil(retry / 60_000)) : retry,
    }),
  )
}

/**
 * Both forms of peer lists are read; peers that nobody could dial (port 0, a host name) are left out. Numbers
 * are finite and >= 0 but not clamped.
 * @throws ShoalError `bad-input`; `over-limit` when it is longer than `limits.trackerReplyBytesMax`.
 */
export function parseAnnounceReply(
  bytes: Uint8Array,
): { kind: 'reply'; reply: AnnounceReply } | { kind: 'refused'; refusal: AnnounceRefusal } {
  if (bytes.length > limits.trackerReplyBytesMax)
    throw new ShoalError('over-limit', "the tracker's reply is too long")
  const dict = asDict(decodeBencode(bytes), 'reply')
  const reason = bytesAt(dict, 'failure reason', 'reply')
  return reason === undefined
    ? { kind: 'reply', reply: replyOf(dict) }
    : { kind: 'refused', refusal: refusalOf(dict, reason) }
}

function replyOf(dict: BencodeDict): AnnounceReply {
  const minInterval = countAt(dict, 'min interval')
  const externalIp = bytesAt(dict, 'external ip', 'reply')
  const site = dictAt(dict, 'sh site', 'reply')
  const sitePeers = site === undefined ? undefined : countAt(site, 'peers')
  const epoch = intAt(dict, 'sh epoch', 'reply')
  const key = bytesAt(dict, 'sh key', 'reply')
  const warning = bytesAt(dict, 'warning message', 'reply')
  return {
    intervalMs: seconds(present(countAt(dict, 'interval'), 'interval', 'reply')),
    ...(minInterval !== undefined && { minIntervalMs: seconds(minInterval) }),
    complete: countAt(dict, 'complete') ?? 0,
    incomplete: countAt(dict, 'incomplete') ?? 0,
    peers: parsePeers(dict),
    ...(externalIp !== undefined && { externalIp: addressOfBytes(externalIp) }),
    ...(site !== undefined && { site: siteOf(site) }),
    ...(sitePeers !== undefined && { sitePeers }),
    ...(epoch !== undefined && { epoch }),
    ...(key !== undefined && { swarmKey: swarmKeyOfBytes(key) }),
    ...(warning !== undefined && { warning: displayText(warning, REASON_CHARS_MAX) }),
  }
}

function refusalOf(dict: BencodeDict, reason: Uint8Array): AnnounceRefusal {
  const text = displayText(reason, REASON_CHARS_MAX)
  const retry = dict.get('retry in')
  if (typeof retry === 'number' && retry >= 0) return { reason: text, retryInMs: minutes(retry) }
  if (retry instanceof Uint8Array && asText(retry, 'reply: "retry in"') === 'never')
    return { reason: text, retryInMs: 'never' }
  return { reason: text }
}

function countAt(dict: BencodeDict, key: string): number | undefined {
  const n = intAt(dict, key, 'reply')
  if (n !== undefined && n < 0) throw new ShoalError('bad-input', `reply: "${key}" is below 0`)
  return n
}

function peerDict(peer: AnnouncedPeer): Map<string, BencodeInput> {
  return dictOf({
    ip: peer.host,
    'peer id': peer.peerId === undefined ? undefined : bytesOf(peer.peerId),
    port: peer.port,
  })
}

function siteDict(site: Site, peers: number | undefined): Map<string, BencodeInput> {
  return dictOf({
    cidrs: site.cidrs.slice(0, SITE_CIDRS_MAX),
    name: site.name,
    peering: site.peering,
    peers,
    wan: site.wanBytesPerSecond,
  })
}

function siteOf(dict: BencodeDict): Site {
  const name = present(textAt(dict, 'name', 'reply: "sh site"'), 'name', 'reply: "sh site"')
  const cidrs = listAt(dict, 'cidrs', 'reply: "sh site"') ?? []
  if (name.length > 64 || cidrs.length > SITE_CIDRS_MAX)
    throw new ShoalError('over-limit', 'reply: "sh site" is too long')
  return {
    name,
    cidrs: cidrs.map((cidr) => canonicalCidr(asText(cidr, 'reply: "sh site"'))),
    ...policyAt(dict),
  }
}

/** Words that a later tracker may say are no error. */
function policyAt(site: BencodeDict): SitePolicy {
  const wan = intAt(site, 'wan', 'reply: "sh site"')
  if (wan !== undefined && (wan < 0 || wan > limits.siteWanBytesPerSecondMax))
    throw new ShoalError('bad-input', 'reply: "sh site": "wan" is no rate')
  return policyOf({
    peering: textAt(site, 'peering', 'reply: "sh site"') === 'off' ? 'off' : undefined,
    wanBytesPerSecond: wan,
  })
}
