/**
 * IP addresses as text. One canonical spelling each, so that two spellings of an address never count as two
 * peers: IPv4 dotted, IPv6 compressed in lower case (RFC 5952), IPv4-mapped IPv6 as the IPv4 it is.
 */
import ipaddr from 'ipaddr.js'
import { ShoalError } from './errors.ts'

declare const address: unique symbol
/** A literal IP address in canonical spelling, never a host name. */
export type IpAddress = string & { readonly [address]: 'IpAddress' }

/** Where a peer or a server listens. */
export interface Endpoint {
  readonly host: IpAddress
  /** 1..65535. */
  readonly port: number
}

/** @throws ShoalError `bad-input` for a host name, a zone id or anything else that is no literal address. */
export function ipAddress(text: string): IpAddress {
  const parsed = tryIpAddress(text)
  if (parsed === undefined)
    throw new ShoalError('bad-input', `an IP address expected, got ${JSON.stringify(text.slice(0, 60))}`)
  return parsed
}

export function tryIpAddress(text: string): IpAddress | undefined {
  if (text.length > 45 || text.includes('%')) return undefined
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString() as IpAddress
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined
  const v6 = ipaddr.IPv6.parse(text)
  return (v6.isIPv4MappedAddress() ? v6.toIPv4Address().toString() : v6.toRFC5952String()) as IpAddress
}

/** 4 bytes or 16, network order. */
export function bytesOfAddress(host: IpAddress): Uint8Array {
  if (host.includes(':')) return Uint8Array.from(ipaddr.parse(host).toByteArray())
  // The spelling is canonical, so four plain numbers: the tracker does this at every announce.
  const [a, b, c, d] = host.split('.', 4)
  return Uint8Array.of(Number(a), Number(b), Number(c), Number(d))
}

/** @throws ShoalError `bad-input` unless there are 4 or 16 bytes. */
export function addressOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length !== 4 && bytes.length !== 16)
    throw new ShoalError('bad-input', 'an address has 4 or 16 bytes')
  return ipAddress(ipaddr.fromByteArray([...bytes]).toString())
}

export const isIPv6 = (host: IpAddress): boolean => host.includes(':')

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.host === b.host
}

/** `10.0.0.1:6881` or `[fe80::1]:6881`; also the key under which an endpoint stands in a Map. */
export function formatEndpoint(e: { readonly host: string; readonly port: number }): string {
  return e.host.includes(':') ? `[${e.host}]:${e.port}` : `${e.host}:${e.port}`
}

/** An IPv6 host has a /64 to itself and changes its address at will: what is counted by address is counted by this. */
export function networkOf(host: IpAddress): string {
  return isIPv6(host) ? Buffer.from(bytesOfAddress(host).subarray(0, 8)).toString('hex') : host
}
