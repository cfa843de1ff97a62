/**
 * URLs that a stranger gives us to fetch from or announce to. They are kept as they were written; what is
 * checked here is only where they point.
 */
import ipaddr from 'ipaddr.js'
import { tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

export type Scheme = 'http' | 'https' | 'udp' | 'ws' | 'wss'

export const FETCH_SCHEMES: readonly Scheme[] = ['http', 'https']
export const TRACKER_SCHEMES: readonly Scheme[] = ['http', 'https', 'udp', 'ws', 'wss']

const DEFAULT_PORT = { http: '80', ws: '80', https: '443', wss: '443', udp: '' } as const satisfies Record<
  Scheme,
  string
>
/** Never a server of anybody's: ourselves, everybody, whoever is on the wire (cloud metadata is link-local). */
const REFUSED_RANGES = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal'])
/** IPv6 ranges that carry an IPv4 address inside, which would have to be judged too; nobody needs them here. */
const TRANSLATED_RANGES = new Set(['rfc6145', 'rfc6052', '6to4', 'teredo'])

/**
 * `text` itself, when it is an absolute URL of one of `schemes`, in plain ASCII, at most `limits.urlCharsMax`
 * long, without user and password, and does not name an unspecified, broadcast, multicast or link-local
 * address. What a host name resolves to is for the dialler to judge.
 * @throws ShoalError `bad-input` beginning with `what`.
 */
export function foreignUrl(text: string, schemes: readonly Scheme[], what: string): string {
  if (text.length > limits.urlCharsMax)
    throw new ShoalError('bad-input', `${what}: a URL is longer than ${limits.urlCharsMax} characters`)
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new ShoalError('bad-input', `${what}: a URL has characters other than plain ASCII`)
  const scheme = schemes.find((s) => text.slice(0, s.length + 3).toLowerCase() === `${s}://`)
  if (scheme === undefined) throw new ShoalError('bad-input', `${what}: only ${schemes.join(', ')} URLs`)
  const url = asHttp(text, scheme)
  if (url === undefined) throw new ShoalError('bad-input', `${what}: a URL that cannot be read`)
  if (url.username !== '' || url.password !== '')
    throw new ShoalError('bad-input', `${what}: a URL with a user name or password`)
  if (scheme === 'udp' && !/:\d+$/.test(authorityOf(text)))
    throw new ShoalError('bad-input', `${what}: a udp URL without a port`)
  const range = refusedRangeOf(url.hostname.replace(/^\[|\]$/g, ''))
  if (range !== undefined) throw new ShoalError('bad-input', `${what}: a URL to a ${range} address`)
  return text
}

/** The range of an address at which nobody serves anything; undefined for any other, and for what is no address. */
export function refusedRangeOf(text: string): string | undefined {
  const address = tryIpAddress(text)
  const range = address === undefined ? 'unicast' : ipaddr.parse(address).range()
  return REFUSED_RANGES.has(range) || TRANSLATED_RANGES.has(range) ? range : undefined
}

/** `host:port` with the port always there, in lower case, addresses in one spelling. For {@link foreignUrl}s. */
export function hostPortOf(text: string): string {
  const scheme = TRACKER_SCHEMES.find((s) => text.slice(0, s.length + 3).toLowerCase() === `${s}://`)
  const url = scheme === undefined ? undefined : asHttp(text, scheme)
  if (scheme === undefined || url === undefined)
    throw new ShoalError('bad-input', 'a URL that cannot be read')
  const written = url.port === '' ? (/:(\d+)$/.exec(authorityOf(text))?.[1] ?? '') : url.port
  return `${url.hostname}:${written === '' ? DEFAULT_PORT[scheme] : String(Number(written))}`
}

/**
 * Parsed as if it were http, so that the host of every scheme is read by the same rules: the URL standard
 * leaves `udp://0x7f.1` alone, and a resolver would not.
 */
function asHttp(text: string, scheme: Scheme): URL | undefined {
  return URL.parse(`http${text.slice(scheme.length)}`) ?? undefined
}

function authorityOf(text: string): string {
  return text.split('://', 2)[1]?.split(/[/?#\\]/, 1)[0] ?? ''
}
