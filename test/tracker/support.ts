/** A portal in memory and a tracker beside it, for tests: real keys, real grants, a clock that moves when told. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { ipAddress, type Endpoint, type IpAddress } from '../../src/core/address.ts'
import { infoHash, peerId, type InfoHash, type PeerId } from '../../src/core/ids.ts'
import { addMillis, hours, millis, type Millis } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import type { AnnounceRequest } from '../../src/wire/announce.ts'
import { decodeCompact } from '../../src/wire/compact-peers.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { newGrantId, signGrant, type GrantClaims } from '../../src/wire/grant.ts'
import type { PackedPeers } from '../../src/wire/packed-peers.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'
import type { DrawnPeer, SwarmPeer } from '../../src/tracker/swarm-store.ts'
import type { VerifiedGrant } from '../../src/tracker/verified-grant.ts'
import { ManualClock } from '../support/manual-clock.ts'

export const SWARM = infoHash('aa'.repeat(20))
export const OTHER_SWARM = infoHash('bb'.repeat(20))

export interface Issued {
  readonly token: string
  readonly claims: GrantClaims
}

/** What a portal would do: makes keys, signs grants, tells the control feed. */
export class TestPortal {
  readonly clock = new ManualClock()
  readonly control = new ControlState()
  readonly key: SigningKey
  #seq = 0

  private constructor(key: SigningKey) {
    this.key = key
  }

  static async open(): Promise<TestPortal> {
    const { key } = await generateSigningKey('grant')
    const portal = new TestPortal(key)
    portal.tell({ kind: 'grant-key', key: key.publicKey })
    return portal
  }

  tell(...events: ControlEvent[]): void {
    this.#seq++
    this.control.apply({
      portal: 'https://media.example',
      seq: this.#seq,
      snapshot: this.#seq === 1,
      at: new Date(this.clock.epoch()).toISOString(),
      events,
    })
  }

  async grant(swarm: InfoHash = SWARM, life: Millis = hours(24), key = this.key): Promise<Issued> {
    const now = this.clock.epoch()
    const claims = { infoHash: swarm, id: newGrantId(now), expiresAt: addMillis(now, life) }
    return { token: await signGrant(claims, key), claims }
  }

  /** ISO, as the feed says times; `after` now. */
  time(after: Millis = millis(0)): string {
    return new Date(addMillis(this.clock.epoch(), after)).toISOString()
  }
}

export function randomPeerId(): PeerId {
  return peerId(randomBytes(20).toString('hex'))
}

export const ip = (text: string): IpAddress => ipAddress(text)

/** A stock leecher that downloads from `SWARM`; `over` says what is different. */
export function announceRequest(over: Partial<AnnounceRequest> = {}): AnnounceRequest {
  return {
    infoHash: SWARM,
    peerId: randomPeerId(),
    port: 6_881,
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: 1,
    compact: true,
    isOurs: false,
    ...over,
  }
}

const GRANT: VerifiedGrant = {
  claims: {
    infoHash: SWARM,
    id: newGrantId(new ManualClock().epoch()),
    expiresAt: addMillis(new ManualClock().epoch(), hours(1)),
  },
  kid: 'k1',
  keyX: '',
}

/** A leecher in the store; `over` says what is different. */
export function swarmPeer(host: string, over: Partial<SwarmPeer> = {}): SwarmPeer {
  return {
    host: ip(host),
    port: 6_881,
    peerId: randomPeerId(),
    site: 'lyon',
    isSeed: false,
    isOurs: false,
    grant: GRANT,
    ...over,
  }
}

/** The token with another character in its signature, `at` characters from its beginning. */
export function altered(token: string, at = 0): string {
  const i = token.lastIndexOf('.') + 1 + at
  return token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
}

/** The store has the peer as it was put. */
export function assertFound(found: DrawnPeer | undefined, peer: SwarmPeer): void {
  assert.ok(found !== undefined)
  const { host, port, peerId, site, isSeed, isOurs } = peer
  assert.deepEqual(
    [found.host, found.port, found.peerId, found.site, found.isSeed, found.isOurs],
    [host, port, peerId, site, isSeed, isOurs],
  )
}

/** Peers that a tracker handed on packed, IPv4 first. */
export function unpacked({ v4, v6 }: PackedPeers): Endpoint[] {
  return [
    ...decodeCompact(Buffer.from(v4, 'latin1'), 'v4'),
    ...decodeCompact(Buffer.from(v6, 'latin1'), 'v6'),
  ]
}
