/**
 * What holds at a portal, built from the answers of its control feed. Pure: no I/O and no clock of its own
 * (time is the portal's `at`), so the same answers always give the same state. An answer that would break a
 * bound is refused whole, before anything changes.
 */
import { ShoalError, unreachable } from '../core/errors.ts'
import type { DeviceId, GrantId, InfoHash } from '../core/ids.ts'
import type { ControlAnswer, ControlEvent } from '../wire/control.ts'
import { issuedAtOf, type GrantClaims } from '../wire/grant.ts'
import type { PublicKey } from '../wire/keys.ts'
import { limits } from '../wire/limits.ts'
import type { ControlListener, ControlView, ServingPeer } from './control-view.ts'
import { ServingPeers } from './serving-peers.ts'

/**
 * Far beyond the keys of one portal. A key is in the feed until its last grant has expired, up to 30 days, so a
 * portal that changes keys each hour lists hundreds; an answer over the bound is refused, and then no revocation
 * is heard of any more.
 */
const GRANT_KEYS_MAX = 10_000

/** From how many addresses a grant may announce; `until` in milliseconds since 1970. */
interface GrantNote {
  readonly until: number
  readonly peersMax: number
}

export class ControlState implements ControlView {
  /** Set by whoever has a clock: this state has none. */
  clockAheadMs = 0
  #isReady = false
  #seq = 0
  #epoch = 0
  #keys = new Map<string, PublicKey>()
  /** Until when each is worth remembering, in milliseconds since 1970. */
  #revoked = new Map<GrantId, number>()
  #revokedDevices = new Map<DeviceId, number>()
  #peersMax = new Map<GrantId, GrantNote>()
  /** `scope:value` to the time, in milliseconds since 1970, before which grants are refused. */
  #refusedBefore = new Map<string, number>()
  #recalled = new Set<InfoHash>()
  #wanted = new Set<InfoHash>()
  #serving = new ServingPeers()
  readonly #listeners = new Set<ControlListener>()

  get isReady(): boolean {
    return this.#isReady
  }

  /** What to ask the feed for: everything after this. */
  get seq(): number {
    return this.#seq
  }

  get epoch(): number {
    return this.#epoch
  }

  grantKeys(): ReadonlyMap<string, PublicKey> {
    return this.#keys
  }

  refusalOf(claims: GrantClaims, kid: string): string | undefined {
    if (this.#recalled.has(claims.infoHash)) return 'release recalled'
    if (this.#revoked.has(claims.id)) return 'grant revoked'
    const before = this.#earliestOf(claims, kid)
    if (before > 0 && before > issuedAtOf(claims.id))
      return `grants issued before ${new Date(before).toISOString()} are refused`
    if (!this.#keys.has(kid)) return 'the key of this grant is no longer in use'
    return undefined
  }

  /** Before when such a grant is refused; 0 for never, as nearly always: a tracker asks at every announce. */
  #earliestOf({ infoHash }: GrantClaims, kid: string): number {
    if (this.#refusedBefore.size === 0) return 0
    return Math.max(
      this.#refusedBefore.get('all:') ?? 0,
      this.#refusedBefore.get(`key:${kid}`) ?? 0,
      this.#refusedBefore.get(`release:${infoHash}`) ?? 0,
    )
  }

  peersMaxOf(id: GrantId): number {
    return this.#peersMax.get(id)?.peersMax ?? limits.peersPerGrantDefault
  }

  originsOf(infoHash: InfoHash): readonly ServingPeer[] {
    return this.#recalled.has(infoHash) ? [] : this.#serving.of(infoHash)
  }

  isRecalled(infoHash: InfoHash): boolean {
    return this.#recalled.has(infoHash)
  }

  isDeviceRevoked(device: DeviceId): boolean {
    return this.#revokedDevices.has(device)
  }

  wanted(): readonly InfoHash[] {
    return [...this.#wanted]
  }

  onChange(listener: ControlListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Takes in one verified answer: a snapshot replaces everything, other answers add. The caller sees to it
   * that answers come in order.
   *
   * @throws ShoalError `over-limit` when it holds more than `limits.controlEntriesMax` of a kind.
   */
  apply(answer: ControlAnswer): void {
    this.#refuseExcess(answer)
    if (answer.snapshot) this.#clear()
    for (const event of answer.events) this.#take(event)
    this.#forgetExpired(Date.parse(answer.at))
    this.#seq = answer.seq
    this.#isReady = true
    if (answer.events.length === 0 && !answer.snapshot) return
    for (const listener of [...this.#listeners]) listener(answer.events)
  }

  #take(event: ControlEvent): void {
    switch (event.kind) {
      case 'grant-key':
        // A key signs one kind of thing: a link key named here by mistake must not open swarms.
        if (event.key.purpose === 'grant') this.#keys.set(event.key.kid, event.key)
        return
      case 'grant-key-retired':
        this.#keys.delete(event.kid)
        return
      case 'grant-revoked':
        this.#revoked.set(event.id, Math.max(this.#revoked.get(event.id) ?? 0, Date.parse(event.until)))
        return
      case 'device-revoked':
        this.#revokedDevices.set(event.device, Date.parse(event.until))
        return
      case 'refuse-before':
        this.#refuseBefore(`${event.scope}:${event.value}`, Date.parse(event.before))
        return
      case 'recalled':
        this.#recalled.add(event.infohash)
        this.#wanted.delete(event.infohash)
        return
      case 'grant-peers':
        this.#peersMax.set(event.id, { until: Date.parse(event.until), peersMax: event.peersMax })
        return
      case 'serves':
        this.#serving.add(event, event.infohashes)
        // What an origin holds in full waits for none.
        if (event.role === 'origin') for (const infoHash of event.infohashes) this.#wanted.delete(infoHash)
        return
      case 'serves-not':
        this.#serving.remove(event.peerId, event.infohashes)
        return
      case 'wanted':
        if (!this.#recalled.has(event.infohash)) this.#wanted.add(event.infohash)
        return
      case 'epoch':
        this.#epoch = event.epoch
        return
      default:
        unreachable(event)
    }
  }

  /** Times only move forward: an earlier one said later takes nothing back. */
  #refuseBefore(scope: string, before: number): void {
    this.#refusedBefore.set(scope, Math.max(this.#refusedBefore.get(scope) ?? 0, before))
  }

  /** What names grants that have all expired by now is no longer needed: `exp` refuses them. */
  #forgetExpired(now: number): void {
    for (const [id, until] of this.#revoked) if (until + limits.clockLeeway < now) this.#revoked.delete(id)
    for (const [device, until] of this.#revokedDevices)
      if (until + limits.clockLeeway < now) this.#revokedDevices.delete(device)
    for (const [id, note] of this.#peersMax)
      if (note.until + limits.clockLeeway < now) this.#peersMax.delete(id)
    for (const [scope, before] of this.#refusedBefore)
      if (before + limits.grantLifeMax + limits.clockLeeway < now) this.#refusedBefore.delete(scope)
  }

  #clear(): void {
    this.#epoch = 0
    this.#keys = new Map()
    this.#revoked = new Map()
    this.#revokedDevices = new Map()
    this.#peersMax = new Map()
    this.#refusedBefore = new Map()
    this.#recalled = new Set()
    this.#wanted = new Set()
    this.#serving = new ServingPeers()
  }

  /** Counts as if every event added an entry: too strict by a hair, and nothing is half applied. */
  #refuseExcess(answer: ControlAnswer): void {
    const had = (size: number): number => (answer.snapshot ? 0 : size)
    const kids = new Set(answer.snapshot ? [] : this.#keys.keys())
    const added = { revoked: 0, devices: 0, peers: 0, before: 0, recalled: 0, wanted: 0, served: 0 }
    for (const event of answer.events) {
      if (event.kind === 'grant-key') kids.add(event.key.kid)
      else if (event.kind === 'grant-key-retired') kids.delete(event.kid)
      else if (event.kind === 'grant-revoked') added.revoked++
      else if (event.kind === 'device-revoked') added.devices++
      else if (event.kind === 'grant-peers') added.peers++
      else if (event.kind === 'refuse-before') added.before++
      else if (event.kind === 'recalled') added.recalled++
      else if (event.kind === 'wanted') added.wanted++
      else if (event.kind === 'serves') added.served += 1 + event.infohashes.length
    }
    const most = Math.max(
      had(this.#revoked.size) + added.revoked,
      had(this.#revokedDevices.size) + added.devices,
      had(this.#peersMax.size) + added.peers,
      had(this.#refusedBefore.size) + added.before,
      had(this.#recalled.size) + added.recalled,
      had(this.#wanted.size) + added.wanted,
      had(this.#serving.entries) + added.served,
    )
    if (most > limits.controlEntriesMax || kids.size > GRANT_KEYS_MAX)
      throw new ShoalError('over-limit', 'the control feed of the portal holds more than this version takes')
  }
}
