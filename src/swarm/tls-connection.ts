/**
 * A TCP connection continued inside TLS 1.3, both sides with a certificate. It only brings bytes across and says
 * which certificate the other side has proved to hold: whether that is one of ours is for the caller to check.
 */
import { constants, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Endpoint } from '../core/address.ts'
import { messageOf, ShoalError } from '../core/errors.ts'
import type { DeviceIdentity } from '../wire/certified-device.ts'
import { CorkedWriter } from './corked-writer.ts'
import type { Connection, ConnectionHandler, SecureConnection } from './network.ts'

const VERSION = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const

/** Made once for each certificate of ours: to read keys and certificates takes longer than a handshake. */
const contexts = new WeakMap<DeviceIdentity, SecureContext>()

function contextOf(identity: DeviceIdentity): SecureContext {
  const known = contexts.get(identity)
  if (known !== undefined) return known
  const { key, certificate: cert, ca } = identity
  // No tickets: a session that goes on from an older one would show no certificate again.
  const made = createSecureContext({ key, cert, ca, ...VERSION, secureOptions: constants.SSL_OP_NO_TICKET })
  contexts.set(identity, made)
  return made
}

export interface SecureSocketParts {
  /** Nothing reads it any more; `first`, what had arrived, was put back. */
  readonly socket: Socket
  readonly identity: DeviceIdentity
  readonly remote: Endpoint
  readonly isIncoming: boolean
}

/** Resolves when both sides have proved who they are. @throws ShoalError `not-granted`; the socket is closed then. */
export function secureSocket(parts: SecureSocketParts): Promise<SecureConnection> {
  const { socket } = parts
  const tls = parts.isIncoming ? accepted(parts) : dialled(parts)
  return new Promise((resolve, reject) => {
    const fail = (error?: unknown): void => {
      tls.destroy()
      socket.destroy()
      const why = error === undefined ? 'the other side hung up' : messageOf(error)
      reject(new ShoalError('not-granted', `no TLS with a peer: ${why}`, { cause: error }))
    }
    tls.once('error', fail)
    tls.once('close', fail)
    socket.once('close', () => tls.destroy())
    tls.once(parts.isIncoming ? 'secure' : 'secureConnect', () => {
      const certificate = tls.getPeerX509Certificate()
      if (certificate === undefined) {
        fail(new Error('it showed no certificate'))
        return
      }
      tls.off('error', fail)
      tls.off('close', fail)
      resolve(connectionOver(tls, parts, certificate))
    })
  })
}

/**
 * `rejectUnauthorized` does nothing for a socket that is no `tls.Server`'s: whoever shows a certificate of another CA
 * gets this far, and no further than the caller's check (`certifiedDevice`), before which nothing is written.
 */
function accepted({ socket, identity }: SecureSocketParts): TLSSocket {
  return new TLSSocket(socket, {
    isServer: true,
    requestCert: true,
    rejectUnauthorized: true,
    secureContext: contextOf(identity),
  })
}

function dialled({ socket, identity }: SecureSocketParts): TLSSocket {
  return connect({
    socket,
    secureContext: contextOf(identity),
    ...VERSION,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined, // peers have no names in a DNS; their device ids are checked by the caller
  })
}

function connectionOver(
  tls: TLSSocket,
  { socket, remote, isIncoming }: SecureSocketParts,
  certificate: X509Certificate,
): SecureConnection {
  return { connection: new TlsConnection(tls, socket, { remote, isIncoming }), certificate }
}

class TlsConnection implements Connection {
  readonly remote: Endpoint
  readonly isIncoming: boolean
  readonly #tls: TLSSocket
  readonly #socket: Socket
  #handler: ConnectionHandler | undefined
  readonly #writer: CorkedWriter
  #isClosed = false

  constructor(tls: TLSSocket, socket: Socket, of: Pick<Connection, 'remote' | 'isIncoming'>) {
    this.#tls = tls
    this.#writer = new CorkedWriter(tls)
    this.#socket = socket
    this.remote = of.remote
    this.isIncoming = of.isIncoming
    tls.on('drain', () => this.#handler?.onDrain())
    tls.on('error', () => undefined) // 'close' follows
    tls.on('end', () => this.destroy())
    tls.on('close', () => this.#closed())
  }

  setHandler(handler: ConnectionHandler): void {
    const isFirst = this.#handler === undefined
    this.#handler = handler
    if (!isFirst) return
    this.#tls.on('data', (bytes: Uint8Array) => {
      if (!this.#isClosed) this.#handler?.onData(bytes)
    })
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#tls.destroyed) return false
    return this.#writer.write(bytes)
  }

  get queuedBytes(): number {
    return this.#tls.writableLength
  }

  pause(): void {
    this.#tls.pause()
  }

  resume(): void {
    this.#tls.resume()
  }

  destroy(): void {
    this.#tls.destroy()
    this.#socket.destroy()
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.destroy()
    this.#handler?.onClose()
  }
}
