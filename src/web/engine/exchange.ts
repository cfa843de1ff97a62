/** What was exchanged with whom, by address: for the portal, which sums it up by site. */
import { limits } from '../../wire/limits.ts'
import type { ViewerPeer } from './viewer-peer.ts'

export interface Exchanged {
  /** An IP address, where one is known. */
  readonly address: string | undefined
  readonly isGateway: boolean
  receivedBytes: number
  sentBytes: number
}

export class Exchange {
  readonly #ends = new Map<string, Exchanged>()

  received(peer: ViewerPeer, bytes: number): void {
    this.#endOf(peer).receivedBytes += bytes
  }

  sent(peer: ViewerPeer, bytes: number): void {
    this.#endOf(peer).sentBytes += bytes
  }

  ends(): readonly Exchanged[] {
    return [...this.#ends.values()]
  }

  #endOf({ channel, isGateway }: ViewerPeer): Exchanged {
    const isFull = this.#ends.size >= limits.transferEndsMax - NAMELESS
    const known = channel.addresses.find(isIpAddress)
    const address = isFull && !this.#ends.has(`${known ?? ''} ${isGateway}`) ? undefined : known
    const key = `${address ?? ''} ${isGateway}`
    const end = this.#ends.get(key) ?? { address, isGateway, receivedBytes: 0, sentBytes: 0 }
    this.#ends.set(key, end)
    return end
  }
}

/** Those without an address, and gateways without one. */
const NAMELESS = 2

/** What else stands there is a name of the local network (mDNS), or nonsense: the other side wrote it. */
function isIpAddress(host: string): boolean {
  if (host.includes(':')) return host.length <= 45 && URL.canParse(`http://[${host}]`)
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) && host.split('.').every((part) => Number(part) <= 255)
}
