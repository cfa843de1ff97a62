/**
 * The records of all peers of all swarms, 63 bytes each, in columns of plain numbers: a million peers as objects
 * would be 400 MB that the garbage collector walks again and again. Memory is reserved for as many as there may
 * be, and taken from the machine only as far as it is used.
 */
import { bytesOfAddress, isIPv6, type IpAddress } from '../core/address.ts'
import { grantId, type GrantId, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import { epochMillis, epochSeconds, type EpochMillis } from '../core/units.ts'
import { WideAddresses } from './wide-addresses.ts'

export type Slot = number

/** An address and a port as numbers; an IPv4 address is the last word. Reused: read it before the next one is made. */
export interface EndpointWords {
  readonly words: Uint32Array
  readonly isV6: boolean
  readonly port: number
}

const scratch = { words: new Uint32Array(4), isV6: false, port: 0 }

export function wordsOf(host: IpAddress, port: number): EndpointWords {
  scratch.port = port
  scratch.isV6 = isIPv6(host)
  const { words } = scratch
  if (scratch.isV6) {
    const view = new DataView(bytesOfAddress(host).buffer)
    for (let i = 0; i < 4; i++) words[i] = view.getUint32(4 * i)
    return scratch
  }
  words.fill(0)
  let word = 0
  let octet = 0
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i)
    if (code === 0x2e) {
      word = (word << 8) | octet
      octet = 0
    } else octet = octet * 10 + code - 0x30
  }
  words[3] = (word << 8) | octet
  return scratch
}

/** Half of what 32 bits count, 24 days: nobody waits as long to be swept, or has as long a lease. */
export const EXPIRY_MAX = 2 ** 31

const SEED = 1
const OURS = 2
const V6 = 4
const GRANT_WORDS = 3
const PEER_ID_BYTES = 20

export class PeerTable {
  readonly capacity: number
  /** Of the swarm, the site and the key that it holds: numbers of the store's tables. */
  readonly swarm: Uint32Array
  readonly site: Uint32Array
  readonly key: Uint32Array
  /** Where it stands on its site's shelf; of a free record, the free one after it. */
  readonly place: Uint32Array
  /** Milliseconds of the monotonic clock, their last 32 bits; 0 for a free record. */
  readonly #expiresAt: Uint32Array
  /** Of an IPv6 peer its number among the wide ones. */
  readonly #address: Uint32Array
  readonly #wide = new WideAddresses()
  readonly #port: Uint16Array
  readonly #flags: Uint8Array
  readonly #peerId: Uint8Array
  readonly #grant: Uint32Array
  readonly #grantExpiry: Uint32Array
  #firstFree = NONE
  #used = 0
  /** Records below this were used at some time. */
  #touched = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.swarm = new Uint32Array(capacity)
    this.site = new Uint32Array(capacity)
    this.key = new Uint32Array(capacity)
    this.place = new Uint32Array(capacity)
    this.#expiresAt = new Uint32Array(capacity)
    this.#address = new Uint32Array(capacity)
    this.#port = new Uint16Array(capacity)
    this.#flags = new Uint8Array(capacity)
    this.#peerId = new Uint8Array(PEER_ID_BYTES * capacity)
    this.#grant = new Uint32Array(GRANT_WORDS * capacity)
    this.#grantExpiry = new Uint32Array(capacity)
  }

  get used(): number {
    return this.#used
  }

  /** All records in use are below it. */
  get touched(): number {
    return this.#touched
  }

  /** Undefined when all are in use. */
  take(at: EndpointWords): Slot | undefined {
    let slot = this.#firstFree
    if (slot !== NONE) this.#firstFree = this.place[slot] ?? NONE
    else if (this.#touched < this.capacity) slot = this.#touched++
    else return undefined
    this.#used++
    this.#address[slot] = at.isV6 ? this.#wide.hold(at.words) : (at.words[3] ?? 0)
    this.#port[slot] = at.port
    this.#flags[slot] = at.isV6 ? V6 : 0
    return slot
  }

  free(slot: Slot): void {
    if (this.isV6(slot)) this.#wide.letGo(this.#address[slot] ?? 0)
    this.#expiresAt[slot] = 0
    this.place[slot] = this.#firstFree
    this.#firstFree = slot
    this.#used--
  }

  isUsed(slot: Slot): boolean {
    return this.#expiresAt[slot] !== 0
  }

  /** `time`: less than {@link EXPIRY_MAX} from now. */
  setExpiry(slot: Slot, time: number): void {
    this.#expiresAt[slot] = Math.max(1, time >>> 0)
  }

  /** It expires at `now` or before. */
  isOver(slot: Slot, now: number): boolean {
    return this.leftOf(slot, now) <= 0
  }

  /** Milliseconds; 0 or less when it is over. */
  leftOf(slot: Slot, now: number): number {
    return ((this.#expiresAt[slot] ?? 0) - (now >>> 0)) | 0
  }

  isAt(slot: Slot, at: EndpointWords): boolean {
    return this.#port[slot] === at.port && this.isAtAddress(slot, at)
  }

  /** Whatever the port. */
  isAtAddress(slot: Slot, { words, isV6 }: EndpointWords): boolean {
    if (this.isV6(slot) !== isV6) return false
    const address = this.#address[slot] ?? 0
    return isV6 ? this.#wide.isAt(address, words) : address === words[3]
  }

  /** Its address and port as {@link wordsOf} gives them. */
  endpointOf(slot: Slot): EndpointWords {
    const { words } = scratch
    for (let i = 0; i < 4; i++) words[i] = this.#word(slot, i)
    scratch.isV6 = this.isV6(slot)
    scratch.port = this.port(slot)
    return scratch
  }

  port(slot: Slot): number {
    return this.#port[slot] ?? 0
  }

  isV6(slot: Slot): boolean {
    return ((this.#flags[slot] ?? 0) & V6) !== 0
  }

  isSeed(slot: Slot): boolean {
    return ((this.#flags[slot] ?? 0) & SEED) !== 0
  }

  isOurs(slot: Slot): boolean {
    return ((this.#flags[slot] ?? 0) & OURS) !== 0
  }

  setKind(slot: Slot, isSeed: boolean, isOurs: boolean): void {
    this.#flags[slot] = ((this.#flags[slot] ?? 0) & V6) | (isSeed ? SEED : 0) | (isOurs ? OURS : 0)
  }

  isOnLoopback(slot: Slot): boolean {
    if (!this.isV6(slot)) return (this.#address[slot] ?? 0) >>> 24 === 127
    return this.#wide.isAt(this.#address[slot] ?? 0, V6_LOOPBACK)
  }

  /** As BEP 23 and BEP 7 have it, a character a byte: 6, or 18 for an IPv6 address. */
  packed(slot: Slot): string {
    return packing.toString('latin1', 0, this.pack(slot, packing, 0))
  }

  /** Writes the same bytes at `at`, and gives where they end. */
  pack(slot: Slot, into: Uint8Array, at: number): number {
    let to = at
    if (this.isV6(slot)) for (let i = 0; i < 3; i++) to = putWord(this.#word(slot, i), into, to)
    to = putWord(this.#word(slot, 3), into, to)
    const port = this.#port[slot] ?? 0
    into[to] = port >>> 8
    into[to + 1] = port
    return to + 2
  }

  /** Of its address as 16 bytes. */
  #word(slot: Slot, i: number): number {
    const address = this.#address[slot] ?? 0
    if (this.isV6(slot)) return this.#wide.word(address, i)
    return i === 3 ? address : 0
  }

  setPeerId(slot: Slot, id: PeerId): void {
    const from = PEER_ID_BYTES * slot
    for (let i = 0; i < PEER_ID_BYTES; i++)
      this.#peerId[from + i] = (hexDigit(id.charCodeAt(2 * i)) << 4) | hexDigit(id.charCodeAt(2 * i + 1))
  }

  peerId(slot: Slot): PeerId {
    return peerIdOfBytes(this.#peerId.subarray(PEER_ID_BYTES * slot, PEER_ID_BYTES * (slot + 1)))
  }

  setGrant(slot: Slot, id: GrantId, expiresAt: EpochMillis): void {
    // Sixteen characters of base64url are twelve bytes: as many of a word as there is room for, the rest of the next.
    for (let i = 0, at = GRANT_WORDS * slot, bits = 0, held = 0; i < id.length; i++) {
      const value = SIX_BITS[id.charCodeAt(i)] ?? 0
      const over = Math.max(0, held + 6 - 32)
      bits = (bits << (6 - over)) | (value >>> over)
      held += 6
      if (held < 32) continue
      this.#grant[at++] = bits
      bits = value & ((1 << over) - 1)
      held = over
    }
    this.#grantExpiry[slot] = epochSeconds(expiresAt)
  }

  grantId(slot: Slot): GrantId {
    const bytes = Buffer.alloc(4 * GRANT_WORDS)
    for (let i = 0; i < GRANT_WORDS; i++) bytes.writeUInt32BE(this.#grant[GRANT_WORDS * slot + i] ?? 0, 4 * i)
    return grantId(bytes.toString('base64url'))
  }

  grantExpiresAt(slot: Slot): EpochMillis {
    return epochMillis((this.#grantExpiry[slot] ?? 0) * 1_000)
  }
}

/** No slot. */
const NONE = 0xffffffff
const V6_LOOPBACK = Uint32Array.of(0, 0, 0, 1)
/** For one peer. */
const packing = Buffer.alloc(18)
/** Of a character of base64url. */
const SIX_BITS = new Uint8Array(128)
for (const [i, code] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
).entries())
  SIX_BITS[code] = i

function putWord(word: number, into: Uint8Array, at: number): number {
  into[at] = word >>> 24
  into[at + 1] = word >>> 16
  into[at + 2] = word >>> 8
  into[at + 3] = word
  return at + 4
}

/** Of a lower-case hex digit. */
const hexDigit = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57)
