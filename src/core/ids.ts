/**
 * Names of things, each a type of its own. All are strings, so that they work as keys of a Map and compare
 * with `===`; the constructor is the only way to make one, and holds what the type promises.
 */
import { ShoalError } from './errors.ts'

declare const id: unique symbol
type Id<Name extends string> = string & { readonly [id]: Name }

/** SHA-1 of the raw bytes of a torrent's `info` value (BEP 3): 40 lower-case hex digits. */
export type InfoHash = Id<'InfoHash'>
/** A peer's name in a swarm (BEP 3): 20 bytes as 40 lower-case hex digits. */
export type PeerId = Id<'PeerId'>
/** A grant's `jti`: 12 bytes (4 of issue time, 8 random) as 16 characters of base64url. Not secret. */
export type GrantId = Id<'GrantId'>
/** A device's name: the first 16 bytes of the SHA-256 of its public key (SPKI), as 22 characters of base64url. */
export type DeviceId = Id<'DeviceId'>
/** A bundle's name in URLs and commands: lower-case letters, digits and single inner hyphens. */
export type Slug = Id<'Slug'>
/** A release's name within its bundle: 1 to 64 of letters, digits, `.`, `_`, `-`; starts with a letter or digit. */
export type ReleaseName = Id<'ReleaseName'>

const HEX_40 = /^[0-9a-f]{40}$/
const GRANT_ID = /^[A-Za-z0-9_-]{16}$/
const DEVICE_ID = /^[A-Za-z0-9_-]{21}[AQgw]$/
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const RELEASE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Longest slug: it is a path segment of every URL of its bundle and fits a table column. */
export const SLUG_CHARS_MAX = 80

function must(ok: boolean, what: string, text: string): void {
  if (!ok) throw new ShoalError('bad-input', `${what} expected, got ${JSON.stringify(text.slice(0, 80))}`)
}

/** Accepts upper case as magnets do (BEP 9). */
export function infoHash(text: string): InfoHash {
  const lower = text.length === 40 ? text.toLowerCase() : text
  must(HEX_40.test(lower), 'an infohash of 40 hex digits', text)
  return lower as InfoHash
}

export function infoHashOfBytes(bytes: Uint8Array): InfoHash {
  return hexOf(bytes, 'an infohash of 20 bytes') as InfoHash
}

export function peerId(hex: string): PeerId {
  must(HEX_40.test(hex), 'a peer id of 40 hex digits', hex)
  return hex as PeerId
}

export function peerIdOfBytes(bytes: Uint8Array): PeerId {
  return hexOf(bytes, 'a peer id of 20 bytes') as PeerId
}

/** The 20 bytes of `packet` that begin at `at`, which it must have. */
export const infoHashIn = (packet: Buffer, at: number): InfoHash =>
  packet.toString('hex', at, at + 20) as InfoHash

/** The same for a peer id. */
export const peerIdIn = (packet: Buffer, at: number): PeerId => packet.toString('hex', at, at + 20) as PeerId

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Hex digits of 20 bytes are what they should be: no look at them again, since the tracker does this at every announce.
 * By hand, as all here and in `wire` that the watch page uses: browsers have no Buffer.
 */
function hexOf(bytes: Uint8Array, what: string): string {
  if (bytes.length !== 20) throw new ShoalError('bad-input', `${what} expected, got ${bytes.length}`)
  let hex = ''
  for (const byte of bytes) hex += HEX_OF_BYTE[byte] ?? ''
  return hex
}

/** The 20 bytes behind an {@link InfoHash} or a {@link PeerId}. */
export function bytesOf(hex: InfoHash | PeerId): Uint8Array {
  const bytes = new Uint8Array(20)
  for (let i = 0; i < 20; i++)
    bytes[i] = (digitOf(hex.charCodeAt(2 * i)) << 4) | digitOf(hex.charCodeAt(2 * i + 1))
  return bytes
}

/** Of `0` to `9` and `a` to `f`. */
const digitOf = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57)

export function grantId(text: string): GrantId {
  must(GRANT_ID.test(text), 'a grant id', text)
  return text as GrantId
}

export function deviceId(text: string): DeviceId {
  must(DEVICE_ID.test(text), 'a device id', text)
  return text as DeviceId
}

export function slug(text: string): Slug {
  const ok = text.length <= SLUG_CHARS_MAX && SLUG.test(text)
  must(ok, 'a bundle name (lower-case letters, digits and hyphens)', text)
  return text as Slug
}

/**
 * A slug from a title: lower case, every run of other characters than a-z 0-9 a single "-".
 * `content.bin` gives `content-bin`; a title without any such character gives `bundle`.
 */
export function slugOfTitle(title: string): Slug {
  const text = title
    .slice(0, 400)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, SLUG_CHARS_MAX - 4) // room for "-999"
    .replace(/-$/, '')
  return slug(text === '' ? 'bundle' : text)
}

export function releaseName(text: string): ReleaseName {
  must(RELEASE.test(text), 'a release name (letters, digits, ".", "_" and "-", at most 64)', text)
  return text as ReleaseName
}
