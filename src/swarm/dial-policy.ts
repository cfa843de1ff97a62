/** Whom to dial next, and when again. Pure. */
import ipaddr from 'ipaddr.js'
import type { Endpoint, IpAddress } from '../core/address.ts'
import { type Random, shuffled } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import type { PeerSource } from './engine-types.ts'

const NEVER_DIALLED = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'reserved'])

/**
 * False for what no peer listens on: low ports, where other services live, and addresses that reach several
 * machines or none. Loopback is allowed: several clients on one machine are a swarm too.
 */
export function mayDial(endpoint: Endpoint): boolean {
  if (endpoint.port < limits.peerPortMin || endpoint.port > 65_535) return false
  return !NEVER_DIALLED.has(ipaddr.parse(endpoint.host).range())
}

export const isLoopback = (host: IpAddress): boolean => ipaddr.parse(host).range() === 'loopback'

export interface DialCandidate {
  readonly endpoint: Endpoint
  readonly source: PeerSource
  /** Not before this reading of the clock. */
  readonly notBefore: Millis
  /** In a row. */
  readonly failures: number
}

export interface DialRoom {
  readonly now: Millis
  /** Peers that we dialled, or that have what we want. */
  readonly connected: number
  /** How many more the torrent takes. */
  readonly free: number
  /** Being dialled: those who come first (`goesFirst`), and others. */
  readonly dialling: { readonly first: number; readonly others: number }
}

/** Connections that a torrent seeks itself; the rest of its room is for those who dial us. */
export const CONNECTIONS_SOUGHT = 60
/** At once, of those who come first and of others each: machines that let nobody in keep a place for as long as a dial may take. */
const DIALLING_MAX = 20

/**
 * Origins and mirrors first, since one of them is the way to every piece; then the own site, which nobody elsewhere
 * keeps out; then others. Of those who are alike first who has not failed, and for the rest in random order, so that the
 * peers of a swarm do not all dial the same ones.
 */
export function chooseDials<C extends DialCandidate>(
  candidates: Iterable<C>,
  room: DialRoom,
  random: Random,
): C[] {
  const due = [...candidates].filter((c) => c.notBefore <= room.now)
  const sorted = shuffled(due, random).toSorted(
    (a, b) => RANK[a.source] - RANK[b.source] || a.failures - b.failures,
  )
  const { dialling } = room
  const underWay = dialling.first + dialling.others
  const firstRoom = Math.min(DIALLING_MAX - dialling.first, room.free - underWay)
  const first = sorted.filter(goesFirst).slice(0, Math.max(0, firstRoom))
  const othersRoom = Math.min(
    DIALLING_MAX - dialling.others,
    Math.min(CONNECTIONS_SOUGHT - room.connected, room.free) - underWay - first.length,
  )
  return [...first, ...sorted.filter((c) => !goesFirst(c)).slice(0, Math.max(0, othersRoom))]
}

/** Origins, mirrors and our own site: nobody elsewhere keeps them out. */
export const goesFirst = ({ source }: { readonly source: PeerSource }): boolean => source !== 'otherSites'

const RANK = { origin: 0, site: 1, otherSites: 2 } as const satisfies Record<PeerSource, number>

const BACKOFF_FIRST = seconds(2)
/** Short: a peer that was cut off must be found again within half a minute of its return. */
const BACKOFF_MAX = seconds(20)

/** How long to leave a peer alone after its `failures`th failure in a row (1, 2, ...). */
export function dialBackoff(failures: number, random: Random): Millis {
  const plain = Math.min(BACKOFF_MAX, BACKOFF_FIRST * 2 ** Math.max(0, failures - 1))
  return millis(plain * (0.75 + random() / 2))
}
