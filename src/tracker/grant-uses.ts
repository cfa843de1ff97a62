/**
 * From which addresses each grant is used. A link is for a person with a few devices: it is counted by
 * distinct address, and an address counts for some time after its last announce, so that passing the link
 * round does not help. Bounded: the grant used least recently is forgotten, and of an address the oldest port.
 */
import type { IpAddress } from '../core/address.ts'
import type { GrantId } from '../core/ids.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { Lru } from './lru.ts'
import { ALL, type Next, type Part } from './swarm-store.ts'

/** Numbers from here on are WebSockets, which have no port: `websocket-frontend.ts`. */
export const FIRST_SOCKET = 65_536

interface AddressUse {
  readonly host: IpAddress
  lastSeenAt: Millis
  /** In the order of their last announce; sockets among them. */
  readonly ports: number[]
}

/** Nearly always one address with one port: short lists take a quarter of what maps and sets do. */
type GrantUse = AddressUse[]

export interface GrantUsesOptions {
  readonly grantsMax: number
  readonly portsPerAddressMax: number
  /** For how long after its last announce an address counts. */
  readonly hold: Millis
}

export type UseAnswer =
  /** `addresses`: of the grant, this one included. */
  | { readonly kind: 'admitted'; readonly addresses: number; readonly portForgotten: number | undefined }
  | { readonly kind: 'too-many-addresses' }

export class GrantUses {
  readonly #clock: Clock
  readonly #options: GrantUsesOptions
  readonly #uses: Lru<GrantId, GrantUse>
  /** Where the sweep is. */
  #walk: Iterator<[GrantId, GrantUse], undefined>

  constructor(parts: { readonly clock: Clock }, options: GrantUsesOptions) {
    this.#clock = parts.clock
    this.#options = options
    this.#uses = new Lru({ capacity: options.grantsMax })
    this.#walk = this.#uses.entries()
  }

  /** Grants whose addresses are remembered. */
  get grantCount(): number {
    return this.#uses.size
  }

  /** Counts an announce. `portForgotten` is the port that had to make room at this address. */
  admit(id: GrantId, host: IpAddress, port: number, addressesMax: number): UseAnswer {
    const now = this.#clock.now()
    let use = this.#uses.get(id) ?? []
    let address = addressIn(use, host)
    if (address === undefined) {
      this.#forgetQuiet(use)
      if (use.length >= addressesMax) return { kind: 'too-many-addresses' }
      // Written as lists of one: a list that is pushed to makes room for seventeen, and there may be 50,000 of both.
      address = { host, lastSeenAt: now, ports: [port] }
      if (use.length > 0) use.push(address)
      else this.#uses.set(id, (use = [address]))
      return { kind: 'admitted', addresses: use.length, portForgotten: undefined }
    }
    address.lastSeenAt = now
    const { ports } = address
    putLast(ports, port)
    return { kind: 'admitted', addresses: use.length, portForgotten: this.#oldestTooMany(ports, port) }
  }

  /** Ports and WebSockets are bounded each for itself: what gives way is of the kind that has come. */
  #oldestTooMany(ports: number[], port: number): number | undefined {
    let oldest = port
    let kin = 0
    for (const other of ports) {
      if (other >= FIRST_SOCKET !== port >= FIRST_SOCKET) continue
      if (kin === 0) oldest = other
      kin++
    }
    if (kin <= this.#options.portsPerAddressMax) return undefined
    remove(ports, oldest)
    return oldest
  }

  /** The peer left; its address still counts for a while. */
  stopped(id: GrantId, host: IpAddress, port: number): void {
    const address = addressIn(this.#uses.get(id) ?? [], host)
    if (address !== undefined) remove(address.ports, port)
  }

  /** Frees what no longer counts, of `part` of all: a walk is begun with 0, and goes on with what it gave. */
  sweep({ from, most }: Part = ALL): Next {
    if (from === 0) this.#walk = this.#uses.entries()
    for (let looked = 0; looked < most; looked++) {
      const next = this.#walk.next()
      if (next.done === true) return undefined
      const [id, use] = next.value
      this.#forgetQuiet(use)
      // It may have been forgotten in the meantime, and be another.
      if (use.length === 0 && this.#uses.get(id) === use) this.#uses.delete(id)
    }
    return from + most
  }

  #forgetQuiet(use: GrantUse): void {
    const now = this.#clock.now()
    use.splice(0, use.length, ...use.filter((one) => now - one.lastSeenAt < this.#options.hold))
  }
}

function addressIn(use: GrantUse, host: IpAddress): AddressUse | undefined {
  for (const one of use) if (one.host === host) return one
  return undefined
}

function putLast(ports: number[], port: number): void {
  const at = ports.indexOf(port)
  if (at === -1) ports.push(port)
  else {
    ports.copyWithin(at, at + 1)
    ports[ports.length - 1] = port
  }
}

function remove(ports: number[], port: number): void {
  const at = ports.indexOf(port)
  if (at !== -1) ports.splice(at, 1)
}
