/**
 * One HTTP port. It can listen before its handler is known (a public URL needs the port first), bounds what
 * a slow or greedy caller may hold, and stops in bounded time. A handler that throws costs one 500, no more.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { KiB, type Millis, seconds } from '../core/units.ts'
import { boundBody } from './body-time.ts'
import { type DirectAnswer, DirectGets } from './direct-gets.ts'
import { explainListenError } from './listen-error.ts'
import type { TlsFiles } from './tls-files.ts'
import { TlsFront } from './tls-front.ts'

export type HttpHandler = (req: IncomingMessage, res: ServerResponse) => void

/**
 * Takes a connection that asks to become a WebSocket; `head` is what it has sent already. False, with nothing
 * done, for one that is not its own. Closing what it took is its owner's, before the listener is disposed of.
 */
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean

export interface HttpListenOptions {
  readonly host: string
  /** 0: any free port; `HttpListener.port` then tells which. */
  readonly port: number
  /** Whole head of a request, from its first byte. Half-open sockets live no longer. */
  readonly headersTimeout?: Millis
  /** Whole body of a request, unless whoever handles it gives it longer: see `body-time.ts`. */
  readonly requestTimeout?: Millis
  /** Between two requests on one connection. */
  readonly keepAliveTimeout?: Millis
  readonly headerBytesMax?: number
  /** More are closed as they arrive. */
  readonly connectionsMax?: number
  /** How long {@link HttpListener}'s disposal lets answers finish before it cuts them. */
  readonly closeTimeout?: Millis
  /** The port speaks TLS with these; whoever comes without it is sent to `origin`. */
  readonly tls?: { readonly files: TlsFiles; readonly origin: () => string | undefined }
  /** Told of what a handler threw; the caller of the handler has got a 500. */
  readonly onError?: (error: unknown) => void
}

export interface HttpListener extends AsyncDisposable {
  readonly port: number
  /** Serves every later request. */
  setHandler(handler: HttpHandler): void
  /** Asked first from now on, for each plain GET: see `direct-gets.ts`. Until it is called, nobody is. */
  setDirect(answer: DirectAnswer | undefined): void
  /** Without one, a request to upgrade is answered as any other: RFC 9110 lets a server ignore the wish. */
  setUpgradeHandler(handler: UpgradeHandler): void
}

const DEFAULTS = {
  headersTimeout: seconds(10),
  requestTimeout: seconds(15),
  keepAliveTimeout: seconds(65), // longer than the usual proxy's 60 s, so that the proxy closes first
  headerBytesMax: 16 * KiB,
  // Twenty thousand that hold theirs open, honestly or not, still leave room (promise 13).
  connectionsMax: 25_000,
  closeTimeout: seconds(2),
}

/**
 * Resolves when the port accepts connections.
 * @throws ShoalError `conflict` when the port is taken, `bad-usage` when the address cannot be bound.
 */
export async function listenHttp(handler: HttpHandler, options: HttpListenOptions): Promise<HttpListener> {
  const bounds = { ...DEFAULTS, ...options }
  let current = handler
  let upgrade: UpgradeHandler | undefined
  const upgraded = new Set<Duplex>()
  const server = createServer(
    {
      headersTimeout: bounds.headersTimeout,
      requestTimeout: 0, // ours, which can be told that an upload takes longer
      keepAliveTimeout: bounds.keepAliveTimeout,
      maxHeaderSize: bounds.headerBytesMax,
      connectionsCheckingInterval: 2_000,
      noDelay: true,
      shouldUpgradeCallback: (req) => upgrade !== undefined && wantsWebSocket(req),
    },
    (req, res) => {
      boundBody(req, res, bounds.requestTimeout)
      try {
        current(req, res)
      } catch (error) {
        options.onError?.(error)
        failed(res)
      }
    },
  )
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    try {
      if (upgrade?.(req, socket, head) !== true) turnAway(socket, '404 Not Found')
    } catch (error) {
      options.onError?.(error)
      turnAway(socket, '500 Internal Server Error')
    }
  })
  const direct = goDirectFirst(server, bounds)
  const tls = options.tls && tlsFrontOf(server, options.tls, bounds.headersTimeout)
  const front = tls?.server ?? server
  front.maxConnections = bounds.connectionsMax
  // Behind a front the server listens nowhere, and it is by this that it begins to look after its connections' time.
  if (tls !== undefined) server.emit('listening')
  await bind(front, options)
  let closing: Promise<void> | undefined
  return {
    port: boundPort(front),
    setHandler: (next) => void (current = next),
    setDirect: (answer) => {
      direct.answer = answer ?? NOBODY
    },
    setUpgradeHandler: (next) => void (upgrade = next),
    [Symbol.asyncDispose]: () => (closing ??= close({ tls, server, direct, upgraded }, bounds.closeTimeout)),
  }
}

function tlsFrontOf(
  server: Server,
  { files, origin }: NonNullable<HttpListenOptions['tls']>,
  handshakeTimeout: Millis,
): TlsFront {
  const front = new TlsFront(server, { material: files.material, handshakeTimeout, origin })
  files.onChange((material) => {
    front.renew(material)
  })
  return front
}

const NOBODY: DirectAnswer = () => undefined

/** Connections come to `DirectGets`, and from there to what node:http made to take them. */
function goDirectFirst(
  server: Server,
  bounds: Required<Pick<HttpListenOptions, 'headersTimeout' | 'keepAliveTimeout' | 'headerBytesMax'>> &
    Pick<HttpListenOptions, 'onError'>,
): DirectGets {
  const takers = server.listeners('connection') as ((socket: Socket) => void)[]
  const direct = new DirectGets({
    headersTimeout: bounds.headersTimeout,
    keepAliveTimeout: bounds.keepAliveTimeout,
    headBytesMax: bounds.headerBytesMax,
    onError: bounds.onError,
    handOver: (socket) => {
      for (const take of takers) take.call(server, socket)
    },
  })
  server.removeAllListeners('connection')
  server.on('connection', (socket) => {
    direct.take(socket)
  })
  return direct
}

/** Other upgrades (`h2c` of some HTTP clients) are wishes that we do not have to hear. */
const wantsWebSocket = (req: IncomingMessage): boolean => req.headers.upgrade?.toLowerCase() === 'websocket'

function turnAway(socket: Duplex, status: string): void {
  socket.on('error', () => undefined)
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

function failed(res: ServerResponse): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  res.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end('internal error\n')
}

function bind(server: NetServer, at: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      reject(explainListenError(error, { host: at.host, port: at.port, flag: '--listen' }))
    }
    server.once('error', refuse)
    server.listen({ host: at.host, port: at.port, backlog: 1_024 }, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

function boundPort(server: NetServer): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('an HTTP listener has a port')
  return address.port
}

interface Closing {
  /** Listens in the server's place. */
  readonly tls: TlsFront | undefined
  readonly server: Server
  readonly direct: DirectGets
  readonly upgraded: ReadonlySet<Duplex>
}

/** Accepts nothing new, closes idle connections, lets answers finish for `within`, then cuts the rest. */
function close({ tls, server, direct, upgraded }: Closing, within: Millis): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      server.closeAllConnections()
      direct.closeAll()
      for (const socket of [...upgraded]) socket.destroy()
      tls?.closeAllConnections()
    }, within)
    const listening = tls?.server ?? server
    listening.close(() => {
      clearTimeout(cut)
      resolve()
    })
    // behind a front the server listens nowhere itself, and has its connections all the same
    if (listening !== server) server.close()
    server.closeIdleConnections()
    direct.close()
  })
}
