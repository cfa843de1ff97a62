/** Who listens where in a network in memory. */
import type { Endpoint } from '../../src/core/address.ts'
import { formatEndpoint } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import type { Connection, NetworkListener } from '../../src/swarm/network.ts'

type OnConnection = (connection: Connection) => void

export class MemoryListeners {
  readonly #byEndpoint = new Map<string, OnConnection>()
  #nextPort = 40_000

  /** One that nobody has. */
  freePort(): number {
    return this.#nextPort++
  }

  listen(
    at: { readonly host: string; readonly port: number },
    onConnection: OnConnection,
  ): Promise<NetworkListener> {
    const port = at.port === 0 ? this.freePort() : at.port
    const key = formatEndpoint({ host: at.host, port })
    if (this.#byEndpoint.has(key)) return Promise.reject(new ShoalError('conflict', `port ${port} is taken`))
    this.#byEndpoint.set(key, onConnection)
    return Promise.resolve({
      port,
      [Symbol.asyncDispose]: () => {
        this.#byEndpoint.delete(key)
        return Promise.resolve()
      },
    })
  }

  get(at: Endpoint): OnConnection | undefined {
    return this.#byEndpoint.get(formatEndpoint(at))
  }

  /** Nothing answers there any more. */
  drop(at: Endpoint): void {
    this.#byEndpoint.delete(formatEndpoint(at))
  }

  dropHost(host: string): void {
    for (const key of [...this.#byEndpoint.keys()])
      if (key.startsWith(`${host}:`)) this.#byEndpoint.delete(key)
  }
}
