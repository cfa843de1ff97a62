/**
 * Where a browser's offer may send others' datagrams: the same rules as for the addresses of peers that are
 * listed, so that a holder of a grant cannot aim a swarm of browsers at a name server or out of the company.
 */
import { tryIpAddress, type IpAddress } from '../core/address.ts'
import { limits } from '../wire/limits.ts'
import { MDNS_NAME, type Candidate } from '../wire/sdp.ts'
import { isListable, isLoopback, type AddressRanges } from './address-ranges.ts'

/** `from`: where the tracker sees who says so. A loopback address means another machine to everyone elsewhere. */
export function isFitCandidate({ host, port }: Candidate, from: IpAddress, allowed: AddressRanges): boolean {
  if (port < limits.peerPortMin || port > 65_535) return false
  if (MDNS_NAME.test(host)) return true
  const address = tryIpAddress(host)
  return address !== undefined && isListable(address, allowed) && (!isLoopback(address) || isLoopback(from))
}
