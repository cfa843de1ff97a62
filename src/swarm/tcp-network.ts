/**
 * TCP by node:net. Every socket reads into the same buffer: what arrived is worked through during the call, so
 * a read allocates nothing. What is written within one turn of the loop leaves in one system call.
 */
import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net'
import { type Endpoint, type IpAddress, tryIpAddress } from '../core/address.ts'
import { messageOf, ShoalError, systemCode } from '../core/errors.ts'
import { KiB } from '../core/units.ts'
import type { DeviceIdentity } from '../wire/certified-device.ts'
import { CorkedWriter } from './corked-writer.ts'
import type { Connection, ConnectionHandler, Network, NetworkListener, SecureConnection } from './network.ts'

const READ_BUFFER = new Uint8Array(256 * KiB)
/** Beyond, `write` answers false. */
const HIGH_WATER_BYTES = 256 * KiB

export function tcpNetwork(): Network {
  return { listen, dial }
}

async function listen(
  at: { readonly host: string; readonly port: number },
  onConnection: (connection: Connection) => void,
): Promise<NetworkListener> {
  const open = new Set<TcpConnection>()
  const server = createServer({ highWaterMark: HIGH_WATER_BYTES, noDelay: true }, (socket) => {
    const connection = TcpConnection.ofIncoming(socket)
    if (connection === undefined) return
    open.add(connection)
    connection.onEnd = () => open.delete(connection)
    onConnection(connection)
  })
  await listening(server, at)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : at.port
  return {
    port,
    [Symbol.asyncDispose](): Promise<void> {
      for (const connection of [...open]) connection.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function listening(server: Server, at: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const isTaken = systemCode(error) === 'EADDRINUSE'
      const text = isTaken ? `port ${at.port} is taken` : `cannot listen on ${at.host}: ${messageOf(error)}`
      reject(new ShoalError(isTaken ? 'conflict' : 'unavailable', text, { cause: error }))
    })
    server.listen({ host: at.host, port: at.port, exclusive: true, backlog: 511 }, () => {
      server.removeAllListeners('error')
      server.on('error', () => undefined) // a failing accept concerns one stranger, not the listener
      resolve()
    })
  })
}

function dial(to: Endpoint, from: IpAddress | undefined, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const taps = new Tap()
    const socket = new Socket(taps.socketOptions())
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(new ShoalError('unavailable', `no answer from a peer: ${messageOf(error)}`, { cause: error }))
    }
    const onAbort = (): void => fail(signal.reason)
    if (signal.aborted) {
      fail(signal.reason)
      return
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', fail)
      resolve(new TcpConnection(socket, { remote: to, isIncoming: false, tap: taps }))
    })
    socket.setNoDelay(true)
    const family = to.host.includes(':') ? 6 : 4
    const isSameFamily = from?.includes(':') === to.host.includes(':')
    socket.connect({
      host: to.host,
      port: to.port,
      family,
      ...(from !== undefined && isSameFamily && { localAddress: from }),
    })
  })
}

/** Where the bytes of one socket go; set once the connection has a handler. */
class Tap {
  onBytes: ((bytes: Uint8Array) => void) | undefined

  /**
   * A server's sockets cannot be told where to read into, but their handle can be given to one that can. The
   * handle is not documented: should it be gone one day, reads allocate, and all else stays as it is.
   */
  over(accepted: Socket & { _handle?: object | null }): Socket {
    const handle = accepted._handle
    if (handle === undefined || handle === null) {
      accepted.on('data', (bytes: Uint8Array) => this.onBytes?.(bytes))
      return accepted
    }
    accepted._handle = null
    accepted.destroy() // it is out of the server's count, and the handle lives on
    const socket = new Socket({ ...this.socketOptions(), handle } as SocketConstructorOpts)
    socket.setNoDelay(true)
    return socket
  }

  socketOptions(): SocketConstructorOpts {
    return {
      highWaterMark: HIGH_WATER_BYTES,
      onread: {
        buffer: READ_BUFFER,
        callback: (bytesRead) => {
          this.onBytes?.(READ_BUFFER.subarray(0, bytesRead))
          return true
        },
      },
    } as SocketConstructorOpts // the types lack `onread` here, which net.connect has
  }
}

class TcpConnection implements Connection {
  readonly remote: Endpoint
  readonly isIncoming: boolean
  onEnd: (() => void) | undefined
  readonly #socket: Socket
  readonly #tap: Tap
  #handler: ConnectionHandler | undefined
  readonly #writer: CorkedWriter
  #isClosed = false

  constructor(
    socket: Socket,
    parts: { readonly remote: Endpoint; readonly isIncoming: boolean; readonly tap: Tap },
  ) {
    this.#socket = socket
    this.#writer = new CorkedWriter(socket)
    this.#tap = parts.tap
    this.remote = parts.remote
    this.isIncoming = parts.isIncoming
    socket.on('drain', () => this.#handler?.onDrain())
    socket.on('error', () => undefined) // 'close' follows
    socket.on('end', () => this.destroy())
    socket.on('close', () => this.#closed())
  }

  static ofIncoming(accepted: Socket): TcpConnection | undefined {
    const host = tryIpAddress(accepted.remoteAddress ?? '')
    if (host === undefined || accepted.remotePort === undefined) {
      accepted.destroy() // gone before we looked
      return undefined
    }
    const remote = { host, port: accepted.remotePort }
    const tap = new Tap()
    const socket = tap.over(accepted)
    return new TcpConnection(socket, { remote, isIncoming: true, tap })
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#tap.onBytes = (bytes) => {
      if (!this.#isClosed) handler.onData(bytes)
    }
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#socket.destroyed) return false
    return this.#writer.write(bytes)
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async secure(identity: DeviceIdentity, first?: Uint8Array): Promise<SecureConnection> {
    const { remote, isIncoming } = this
    this.#handler = undefined
    this.#tap.onBytes = undefined
    this.#socket.pause() // nothing may arrive while nobody reads
    const read = first === undefined ? undefined : Buffer.from(first)
    // Only now: a process that meets no TLS does not load it.
    const { secureSocket } = await import('./tls-connection.ts')
    if (this.#isClosed) throw new ShoalError('not-granted', 'no TLS with a peer: it has gone')
    if (read !== undefined) this.#socket.unshift(read)
    return await secureSocket({ socket: this.#socket, identity, remote, isIncoming })
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.onEnd?.()
    this.#handler?.onClose()
  }
}
