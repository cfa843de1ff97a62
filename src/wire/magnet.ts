/**
 * Magnet links (BEP 9, 53), by an allow-list: what is not listed here is dropped and never copied into
 * anything. `magnet-signature.ts` signs them and `magnet-trust.ts` says whose hosts they name; this file
 * passes the latter on.
 */
import { ShoalError } from '../core/errors.ts'
import { type InfoHash, infoHash, infoHashOfBytes } from '../core/ids.ts'
import { withoutControls } from './bencode-read.ts'
import { FETCH_SCHEMES, foreignUrl, type Scheme, TRACKER_SCHEMES } from './foreign-url.ts'
import { limits } from './limits.ts'
import { percentEncode } from './query.ts'

export { hostsOfPortal, portalOfMagnet, undeclaredHosts } from './magnet-trust.ts'

export interface Magnet {
  readonly infoHash: InfoHash
  /** A name to show, without control characters; never a file name. */
  readonly displayName?: string
  readonly sizeBytes?: number
  readonly trackers: readonly string[]
  /** Where the .torrent can be had (`xs`). */
  readonly exactSources: readonly string[]
  readonly webSeeds: readonly string[]
  /** BEP 53: inclusive ranges of file indices. */
  readonly selectOnly?: readonly (readonly [number, number])[]
  readonly signature?: { readonly kid: string; readonly sig: string }
}

const PREFIX = 'magnet:?'
const NAME_CHARS_MAX = 255
const ONCE = ['dn', 'xl', 'so', 'x.kid', 'x.sig'] as const
const OFTEN = ['xt', 'tr', 'xs', 'ws'] as const
type Parameters = ReadonlyMap<string, readonly string[]>

/** @throws ShoalError `bad-input` naming the parameter; `over-limit`. */
export function parseMagnet(text: string): Magnet {
  if (text.length > limits.magnetInputCharsMax)
    throw new ShoalError('over-limit', `magnet: longer than ${limits.magnetInputCharsMax} characters`)
  if (text.slice(0, PREFIX.length).toLowerCase() !== PREFIX)
    throw new ShoalError('bad-input', 'this is no magnet link')
  const parameters = parametersOf(text.slice(PREFIX.length))
  const displayName = cleanName(parameters.get('dn')?.[0] ?? '')
  const size = parameters.get('xl')?.[0]
  const ranges = parameters.get('so')?.[0]
  const signature = signatureOf(parameters.get('x.kid')?.[0], parameters.get('x.sig')?.[0])
  return {
    infoHash: infoHashOf(parameters.get('xt') ?? []),
    ...(displayName !== '' && { displayName }),
    ...(size !== undefined && { sizeBytes: wholeNumber(size, 'xl') }),
    trackers: urlsOf(parameters, 'tr', TRACKER_SCHEMES, limits.trackerUrlsMax),
    exactSources: urlsOf(parameters, 'xs', FETCH_SCHEMES, limits.webSeedsMax),
    webSeeds: urlsOf(parameters, 'ws', FETCH_SCHEMES, limits.webSeedsMax),
    ...(ranges !== undefined && { selectOnly: rangesOf(ranges) }),
    ...(signature !== undefined && { signature }),
  }
}

/** @throws ShoalError `over-limit` when it would be longer than `limits.magnetCharsMax`. */
export function formatMagnet(magnet: Magnet): string {
  const { signature } = magnet
  const pairs = magnetParameters(magnet)
  if (signature !== undefined) pairs.push(['x.kid', signature.kid], ['x.sig', signature.sig])
  const text = PREFIX + pairs.map(([name, value]) => `${name}=${escapeValue(name, value)}`).join('&')
  if (text.length > limits.magnetCharsMax)
    throw new ShoalError('over-limit', `the link would be longer than ${limits.magnetCharsMax} characters`)
  return text
}

/** Every parameter but the signature, values not yet escaped, `xt` first. */
export function magnetParameters(magnet: Magnet): [name: string, value: string][] {
  const name = cleanName(magnet.displayName ?? '')
  const pairs: [string, string][] = [['xt', `urn:btih:${magnet.infoHash}`]]
  if (name !== '') pairs.push(['dn', name])
  if (magnet.sizeBytes !== undefined) pairs.push(['xl', String(magnet.sizeBytes)])
  for (const url of magnet.trackers) pairs.push(['tr', url])
  for (const url of magnet.exactSources) pairs.push(['xs', url])
  for (const url of magnet.webSeeds) pairs.push(['ws', url])
  if (magnet.selectOnly !== undefined) pairs.push(['so', formatRanges(magnet.selectOnly)])
  return pairs
}

/** Clients look for `urn:btih:` and for BEP 53's digits as they are; the rest is escaped. */
function escapeValue(name: string, value: string): string {
  return name === 'xt' || name === 'so' ? value : percentEncode(Buffer.from(value))
}

function parametersOf(text: string): Parameters {
  const pairs = text.split('&')
  if (pairs.length > limits.magnetParametersMax)
    throw new ShoalError('over-limit', `magnet: more than ${limits.magnetParametersMax} parameters`)
  const found = new Map<string, string[]>()
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, cut))
    const isOnce = ONCE.some((known) => known === name)
    if (!isOnce && !OFTEN.some((known) => known === name)) continue
    const values = found.get(name) ?? []
    if (isOnce && values.length > 0) throw new ShoalError('bad-input', `magnet: ${name} is there twice`)
    found.set(name, [...values, unescapeValue(name, pair.slice(cut + 1))])
  }
  return found
}

/** Forms write a space of a name as `+`. */
function unescapeValue(name: string, value: string): string {
  try {
    return decodeURIComponent(name === 'dn' ? value.replaceAll('+', ' ') : value)
  } catch {
    throw new ShoalError('bad-input', `magnet: ${name} is not percent-encoded UTF-8`)
  }
}

function infoHashOf(topics: readonly string[]): InfoHash {
  const v1 = topics.filter((topic) => topic.slice(0, 9).toLowerCase() === 'urn:btih:')
  const [topic] = v1
  if (topic === undefined) {
    const why = topics.length === 0 ? 'xt is missing' : 'xt names no v1 infohash (urn:btih)'
    throw new ShoalError('bad-input', `magnet: ${why}`)
  }
  if (v1.length > 1) throw new ShoalError('bad-input', 'magnet: xt names two infohashes')
  const hash = topic.slice(9)
  return hash.length === 32 ? infoHashOfBytes(decodeBase32(hash)) : infoHash(hash)
}

/** RFC 4648, 32 characters to 20 bytes: how old magnets write an infohash. */
function decodeBase32(text: string): Uint8Array {
  let bits = ''
  for (const char of text.toUpperCase()) {
    const value = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char)
    if (value < 0) throw new ShoalError('bad-input', 'magnet: xt is neither hex nor base32')
    bits += value.toString(2).padStart(5, '0')
  }
  return Uint8Array.from({ length: bits.length / 8 }, (_, i) =>
    Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2),
  )
}

function urlsOf(parameters: Parameters, name: string, schemes: readonly Scheme[], max: number): string[] {
  const urls = parameters.get(name) ?? []
  if (urls.length > max) throw new ShoalError('over-limit', `magnet: more than ${max} ${name}`)
  return urls.map((url) => foreignUrl(url, schemes, `magnet: ${name}`))
}

function signatureOf(kid: string | undefined, sig: string | undefined): Magnet['signature'] {
  if (kid === undefined && sig === undefined) return undefined
  const isKid = kid !== undefined && /^[A-Za-z0-9_-]{1,16}$/.test(kid)
  const isSignature = sig !== undefined && /^[A-Za-z0-9_-]{86}$/.test(sig)
  if (!isKid || !isSignature) throw new ShoalError('bad-input', 'magnet: x.kid and x.sig are no signature')
  return { kid, sig }
}

function rangesOf(text: string): [number, number][] {
  const parts = text.split(',')
  if (parts.length > limits.magnetFileRangesMax)
    throw new ShoalError('over-limit', `magnet: more than ${limits.magnetFileRangesMax} ranges in so`)
  return parts.map((part) => {
    const [first = '', last = first, ...rest] = part.split('-')
    const range: [number, number] = [wholeNumber(first, 'so'), wholeNumber(last, 'so')]
    if (rest.length > 0 || range[0] > range[1] || range[1] >= limits.torrentFilesMax)
      throw new ShoalError('bad-input', 'magnet: so has a range that is none')
    return range
  })
}

const formatRanges = (ranges: readonly (readonly [number, number])[]): string =>
  ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')

function wholeNumber(text: string, name: string): number {
  const n = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(n)) throw new ShoalError('bad-input', `magnet: ${name}: a whole number expected`)
  return n
}

function cleanName(text: string): string {
  return withoutControls(text.toWellFormed()).slice(0, NAME_CHARS_MAX).toWellFormed().trim()
}
