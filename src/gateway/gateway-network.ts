/** The engine's network in the gateway: browsers come by data channels; TCP is there for one that fetches. */
import { ShoalError } from '../core/errors.ts'
import { tcpNetwork, type Connection, type Network, type NetworkListener } from '../swarm/index.ts'

export class GatewayNetwork implements Network {
  readonly #tcp = tcpNetwork()
  readonly #fetches: boolean
  #onConnection: ((connection: Connection) => void) | undefined

  /** `fetches`: it listens and dials by TCP as well. */
  constructor(options: { readonly fetches: boolean }) {
    this.#fetches = options.fetches
  }

  /** A browser came. */
  take(connection: Connection): void {
    if (this.#onConnection === undefined) connection.destroy()
    else this.#onConnection(connection)
  }

  async listen(
    at: { readonly host: string; readonly port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<NetworkListener> {
    this.#onConnection = onConnection
    if (this.#fetches) return await this.#tcp.listen(at, onConnection)
    return { port: 0, [Symbol.asyncDispose]: () => Promise.resolve() }
  }

  dial(...to: Parameters<Network['dial']>): Promise<Connection> {
    if (this.#fetches) return this.#tcp.dial(...to)
    return Promise.reject(new ShoalError('unavailable', 'this gateway has all that it serves'))
  }
}
