/**
 * Where a request comes from: the connection's address, or, when that is a proxy we were told to trust, the
 * right-most address of X-Forwarded-For that is no such proxy. Nothing else that a client says counts.
 */
import { tryIpAddress, type IpAddress } from '../core/address.ts'
import type { AddressRanges } from './address-ranges.ts'

/** A chain of proxies longer than this is a forged header. */
const HOPS_MAX = 16
/** 16 addresses of 45 characters with their commas. */
const HEADER_CHARS_MAX = 800

/** Undefined when it cannot be told: no address on the connection, or a trusted proxy's header that is no list of addresses. */
export function clientAddress(
  connection: IpAddress | undefined,
  forwardedFor: string | undefined,
  trusted: AddressRanges,
): IpAddress | undefined {
  if (connection === undefined) return undefined
  if (forwardedFor === undefined || !trusted.has(connection)) return connection
  if (forwardedFor.length > HEADER_CHARS_MAX) return undefined
  const hops = forwardedFor.split(',')
  if (hops.length > HOPS_MAX) return undefined
  let nearest = connection
  for (const hop of hops.toReversed()) {
    const address = tryIpAddress(hop.trim())
    if (address === undefined) return undefined
    nearest = address
    if (!trusted.has(address)) break
  }
  return nearest
}
