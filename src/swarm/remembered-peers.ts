/**
 * Peers of a torrent that worked, and the keys of its swarm, as JSON in a file beside the state of the download:
 * whoever starts while portal and tracker are away dials them. The keys are secrets, the file is its owner's alone.
 */
import { type Endpoint, tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { epochMillis, type EpochMillis } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { type SwarmKey, swarmKey } from '../wire/swarm-key.ts'
import { mayDial } from './dial-policy.ts'

export interface RememberedPeer {
  readonly endpoint: Endpoint
  /** When it was last known to work. */
  readonly seenAt: EpochMillis
}

export interface Remembered {
  /** At most `limits.rememberedPeersMax`, those that worked last at the end. */
  readonly peers: readonly RememberedPeer[]
  /** At most {@link SWARM_KEYS_MAX}, the newest first. */
  readonly keys: readonly SwarmKey[]
}

/** The tracker changes a swarm's key once a day: today's, and that of before, which others may hold still. */
export const SWARM_KEYS_MAX = 2
const VERSION = 1

export function encodeRemembered(infoHash: InfoHash, { peers, keys }: Remembered): Uint8Array {
  const rows = peers.map(({ endpoint, seenAt }) => [endpoint.host, endpoint.port, seenAt])
  return Buffer.from(JSON.stringify({ version: VERSION, infoHash, peers: rows, keys }))
}

/**
 * Without the peers that were last seen longer than `limits.rememberedFor` ago (or that long ahead, by a clock
 * that was wrong).
 * @throws ShoalError `bad-input`, `over-limit`: one word that we would not have written, and nothing is believed.
 */
export function decodeRemembered(bytes: Uint8Array, infoHash: InfoHash, now: EpochMillis): Remembered {
  if (bytes.length > limits.rememberedFileBytesMax) throw new ShoalError('over-limit', `${WHAT} is too long`)
  const { version, infoHash: named, peers, keys } = objectOf(bytes)
  if (version !== VERSION || named !== infoHash) throw unreadable('another torrent or version')
  if (!Array.isArray(peers) || peers.length > limits.rememberedPeersMax) throw unreadable('its peers')
  if (!Array.isArray(keys) || keys.length > SWARM_KEYS_MAX) throw unreadable('its keys')
  return {
    peers: peers.map(peerOf).filter(({ seenAt }) => Math.abs(now - seenAt) <= limits.rememberedFor),
    keys: keys.map((key: unknown) => {
      if (typeof key !== 'string') throw unreadable('a key')
      return swarmKey(key)
    }),
  }
}

const WHAT = 'the file of remembered peers'
const unreadable = (what: string): ShoalError =>
  new ShoalError('bad-input', `${WHAT} cannot be read: ${what}`)

function objectOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    throw new ShoalError('bad-input', `${WHAT} is no JSON`, { cause: error })
  }
  if (typeof value !== 'object' || value === null) throw unreadable('no object')
  return { ...value }
}

function peerOf(row: unknown): RememberedPeer {
  if (!Array.isArray(row) || row.length !== 3) throw unreadable('a peer')
  const [hostText, port, seenAt] = row as unknown[]
  const host = typeof hostText === 'string' ? tryIpAddress(hostText) : undefined
  if (host === undefined || host !== hostText) throw unreadable('an address')
  if (!isWhole(port) || !isWhole(seenAt)) throw unreadable('a number')
  const endpoint = { host, port }
  if (!mayDial(endpoint)) throw unreadable('a place where no peer listens')
  return { endpoint, seenAt: epochMillis(seenAt) }
}

const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)
