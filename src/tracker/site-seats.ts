/** The two bridges of one site in one swarm. There may be a million of these: plain fields, times in whole seconds. */
import { sameEndpoint, type Endpoint, type IpAddress } from '../core/address.ts'

/** Which of a site's two bridges. */
export type SeatIndex = 0 | 1

export const SEATS: readonly SeatIndex[] = [0, 1]

/** A site that has no slot (`swarm-bridges.ts`). */
export const NO_SLOT = -1

export class Seat implements Endpoint {
  readonly host: IpAddress
  readonly port: number
  /** When it should have announced again; monotonic. */
  dueAtS: number
  /** Links below, {@link LEFT_SOME} above: a field of its own would be four megabytes more for half a million of these. */
  #marks = 0

  constructor({ host, port }: Endpoint, dueAtS: number) {
    this.host = host
    this.port = port
    this.dueAtS = dueAtS
  }

  /** A bit for the slot of each site to which this bridge holds the link: 31 at most. */
  get links(): number {
    return this.#marks & ~LEFT_SOME
  }

  set links(links: number) {
    this.#marks = (this.#marks & LEFT_SOME) | links
  }

  /** When it announced last there was none of its site's links that it could not be told of. */
  get tookAll(): boolean {
    return (this.#marks & LEFT_SOME) === 0
  }

  set tookAll(tookAll: boolean) {
    this.#marks = this.links | (tookAll ? 0 : LEFT_SOME)
  }
}

const LEFT_SOME = 1 << 31

export class SiteSeats {
  readonly site: string
  readonly bornAtS: number
  /** Its machines may be introduced to those of other sites. */
  readonly isOpen: boolean
  slot: number = NO_SLOT
  /** One of our own clients here, whatever seat it has. */
  ours: Seat | undefined
  #first: Seat | undefined
  #second: Seat | undefined

  constructor(site: string, isOpen: boolean, bornAtS: number) {
    this.site = site
    this.isOpen = isOpen
    this.bornAtS = bornAtS
  }

  get isEmpty(): boolean {
    return this.#first === undefined && this.#second === undefined
  }

  at(index: SeatIndex): Seat | undefined {
    return index === 0 ? this.#first : this.#second
  }

  set(index: SeatIndex, seat: Seat | undefined): void {
    if (index === 0) this.#first = seat
    else this.#second = seat
  }

  /** Where `peer` sits. */
  indexOf(peer: Endpoint): SeatIndex | undefined {
    for (const i of SEATS) {
      const seat = this.at(i)
      if (seat !== undefined && sameEndpoint(seat, peer)) return i
    }
    return undefined
  }

  /** The seat that holds the link to the site in `slot`. */
  holderOf(slot: number): SeatIndex | undefined {
    return SEATS.find((i) => ((this.at(i)?.links ?? 0) & (1 << slot)) !== 0)
  }

  /** The link to the site in `slot` is held no more. */
  unlink(slot: number): void {
    for (const seat of [this.#first, this.#second]) if (seat !== undefined) seat.links &= ~(1 << slot)
  }

  hasHost(host: string): boolean {
    return this.#first?.host === host || this.#second?.host === host
  }
}

/** For so long a machine that others were told of before it announced is its site's bridge unasked. */
const UNHEARD_S = 3_600

export const unheard = (peer: Endpoint, nowS: number): Seat => new Seat(peer, nowS + UNHEARD_S)

/** How many links a bridge holds. */
export function linkCount(seat: Seat | undefined): number {
  return (seat?.links ?? 0).toString(2).replaceAll('0', '').length
}

/** Whether a new link is to be left to the site's other bridge: it holds more, took all that there were, and is not overdue. */
export function isOthers(site: SiteSeats, index: SeatIndex, nowS: number): boolean {
  const other = site.at(otherOf(index))
  if (other === undefined || !other.tookAll || other.dueAtS < nowS) return false
  return linkCount(other) > linkCount(site.at(index))
}

export const otherOf = (index: SeatIndex): SeatIndex => (index === 0 ? 1 : 0)
