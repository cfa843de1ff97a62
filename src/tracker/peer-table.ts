/**
 * The records of all peers of all swarms, 77 bytes each, in columns of plain numbers: a million peers as objects
 * would be 400 MB that the garbage collector walks again and again. Memory is reserved for as many as there may
 * be, and taken from the machine only as far as it is used.
 */
import { bytesOfAddress, isIPv6, type IpAddress } from '../core/address.ts'
import { grantId, type GrantId, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import { epochMillis, epochSeconds, type EpochMillis } from '../core/units.ts'

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
  /** Monotonic; 0 for a free record. */
  readonly expiresAt: Float64Array
  readonly #address: Uint32Array
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
    this.expiresAt = new Float64Array(capacity)
    this.#address = new Uint32Array(4 * capacity)
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
    this.#address.set(at.words, 4 * slot)
    this.#port[slot] = at.port
    this.#flags[slot] = at.isV6 ? V6 : 0
    return slot
  }

  free(slot: Slot): void {
    this.expiresAt[slot] = 0
    this.place[slot] = this.#firstFree
    this.#firstFree = slot
    this.#used--
  }

  isAt(slot: Slot, at: EndpointWords): boolean {
    const { words } = at
    const from = 4 * slot
    return (
      this.#port[slot] === at.port &&
      this.#address[from + 3] === words[3] &&
      this.#address[from] === words[0] &&
      this.#address[from + 1] === words[1] &&
      this.#address[from + 2] === words[2] &&
      this.isV6(slot) === at.isV6
    )
  }

  /** Its address and port as {@link wordsOf} gives them. */
  endpointOf(slot: Slot): EndpointWords {
    scratch.words.set(this.#address.subarray(4 * slot, 4 * slot + 4))
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

  /** As BEP 23 and BEP 7 have it, a character a byte: 6, or 18 for an IPv6 address. */
  packed(slot: Slot): string {
    const port = this.port(slot)
    const last = this.#address[4 * slot + 3] ?? 0
    // In one piece: an answer is made of fifty of these.
    const tail = String.fromCharCode(
      last >>> 24,
      (last >>> 16) & 255,
      (last >>> 8) & 255,
      last & 255,
      port >> 8,
      port & 255,
    )
    if (!this.isV6(slot)) return tail
    let head = ''
    for (let i = 0; i < 3; i++) head += wordText(this.#address[4 * slot + i] ?? 0)
    return head + tail
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
    const bytes = Buffer.from(id, 'base64url')
    for (let i = 0; i < GRANT_WORDS; i++) this.#grant[GRANT_WORDS * slot + i] = bytes.readUInt32BE(4 * i)
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

const wordText = (word: number): string =>
  String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255)

/** Of a lower-case hex digit. */
const hexDigit = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57)
