/** Strangers at the door: bounded in number, each address too, until a handshake says what they came for. */
import { networkOf, type IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import type { PeerGuard } from './guard.ts'
import { GuardedHandshaker } from './guarded-handshaker.ts'
import { Handshaker } from './handshaker.ts'
import type { Connection } from './network.ts'
import type { Swarm } from './swarm.ts'

/** Of all addresses together. */
const STRANGERS_MAX = 2_000

export interface IncomingParts {
  readonly clock: Clock
  readonly isBanned: (address: IpAddress) => boolean
  readonly swarmOf: (infoHash: InfoHash) => Swarm | undefined
  /** Torrents here are guarded: who may not have one must not learn that it is here. */
  readonly isGuarding: () => boolean
  /** Without it there is no TLS. */
  readonly guard: PeerGuard | undefined
}

export class Incoming {
  readonly #parts: IncomingParts
  /** By network: one machine has a whole /64 of IPv6 addresses. */
  readonly #strangers = new Map<string, number>()
  #count = 0

  constructor(parts: IncomingParts) {
    this.#parts = parts
  }

  take(connection: Connection): void {
    const { host } = connection.remote
    const ofHost = this.#strangers.get(networkOf(host)) ?? 0
    if (
      ofHost >= limits.unauthenticatedSocketsPerAddressMax ||
      this.#count >= STRANGERS_MAX ||
      this.#parts.isBanned(host)
    ) {
      connection.destroy()
      return
    }
    this.#strangers.set(networkOf(host), ofHost + 1)
    this.#count++
    const { guard } = this.#parts
    new Handshaker({
      connection,
      clock: this.#parts.clock,
      mayEnter: (theirs) => this.#mayEnter(theirs.infoHash, connection),
      onHandshake: (theirs) => this.#parts.swarmOf(theirs.infoHash)?.accept(connection, theirs),
      ...(guard !== undefined && { onTls: (first) => this.#takeTls(connection, guard, first) }),
      onSettled: () => this.#leave(host),
    })
  }

  #mayEnter(infoHash: InfoHash, connection: Connection): Promise<boolean> | undefined {
    const swarm = this.#parts.swarmOf(infoHash)
    if (swarm !== undefined) return swarm.mayEnter(connection)
    return this.#parts.isGuarding() ? Promise.resolve(false) : undefined
  }

  /** A stranger still, until its permit is believed. It needs no lease: its permit says more. */
  #takeTls(connection: Connection, guard: PeerGuard, first: Uint8Array): void {
    new GuardedHandshaker({
      connection,
      clock: this.#parts.clock,
      guard,
      first,
      onHandshake: (theirs, secured, pass) =>
        this.#parts.swarmOf(theirs.infoHash)?.accept(secured, theirs, pass),
      onSettled: () => this.#leave(connection.remote.host),
    })
  }

  #leave(host: IpAddress): void {
    const network = networkOf(host)
    const left = (this.#strangers.get(network) ?? 1) - 1
    if (left === 0) this.#strangers.delete(network)
    else this.#strangers.set(network, left)
    this.#count--
  }
}
