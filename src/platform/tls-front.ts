/**
 * A port that speaks TLS in front of an HTTP server: what comes decrypted goes to the server as its own connection. Whoever
 * speaks plain HTTP to it, as people do who type an address, is sent to the same page by https.
 */
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net'
import type { Server as HttpServer } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Millis } from '../core/units.ts'
import type { TlsMaterial } from './tls-files.ts'

/** First byte of a TLS record that begins a handshake (RFC 8446, 5.1). */
const HANDSHAKE = 0x16
const REQUEST_LINE = /^GET (\/[\x21-\x7e]{0,2000}) HTTP\/1\.[01]\r\n/

export interface TlsFrontOptions {
  readonly material: TlsMaterial
  /** For the first byte, and for the handshake. */
  readonly handshakeTimeout: Millis
  /** Where people are sent who come without TLS, as an origin; undefined while that is not known. */
  readonly origin: () => string | undefined
}

export class TlsFront {
  /** Listens, and counts connections. */
  readonly server: NetServer
  readonly #secure: TlsServer
  readonly #options: TlsFrontOptions
  /** All, decrypted or not yet. */
  readonly #sockets = new Set<Socket>()

  constructor(http: HttpServer, options: TlsFrontOptions) {
    this.#options = options
    this.#secure = createTlsServer({
      ...options.material,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: options.handshakeTimeout,
    })
    this.#secure.on('secureConnection', (socket) => http.emit('connection', socket))
    this.#secure.on('tlsClientError', (_error, socket) => socket.destroy())
    this.server = createNetServer({ noDelay: true }, (socket) => {
      this.#take(socket)
    })
  }

  /** For handshakes from now on. */
  renew(material: TlsMaterial): void {
    this.#secure.setSecureContext(material)
  }

  /** Those too that are in the middle of a handshake. */
  closeAllConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const give = (): void => void socket.destroy()
    socket.on('error', give)
    socket.setTimeout(this.#options.handshakeTimeout, give)
    socket.once('data', (first: Buffer) => {
      if (first[0] !== HANDSHAKE) {
        this.#sendElsewhere(socket, first)
        return
      }
      socket.pause()
      socket.setTimeout(0)
      socket.off('timeout', give)
      socket.off('error', give)
      socket.unshift(first)
      this.#secure.emit('connection', socket)
    })
  }

  #sendElsewhere(socket: Socket, first: Buffer): void {
    const origin = this.#options.origin()
    const path = REQUEST_LINE.exec(first.toString('latin1'))?.[1]
    const [status, location] =
      origin === undefined || path === undefined
        ? ['400 Bad Request', '']
        : ['308 Permanent Redirect', `Location: ${origin}${path}\r\n`]
    const body = 'this port speaks TLS: use https\n'
    const head = `HTTP/1.1 ${status}\r\n${location}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    socket.end(head + body, () => socket.destroy())
  }
}
