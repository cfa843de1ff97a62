/**
 * One UDP port, over IPv4 and IPv6 where there are both. Receives bounded, sends without waiting, and counts what
 * could not be sent: whoever asked over UDP asks again.
 */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { systemCode } from '../core/errors.ts'
import { explainListenError } from './listen-error.ts'

/** Sends the first `length` bytes of `bytes`; never throws. False while these bytes are still needed. */
export type UdpSend = (bytes: Buffer, length: number, to: UdpSender) => boolean

/** Where a datagram came from. Anybody can write any address and port there, port 0 too. */
export interface UdpSender {
  readonly family: Family
  readonly address: string
  readonly port: number
}

export type UdpHandler = (packet: Buffer, from: UdpSender, send: UdpSend) => void

export interface UdpListenOptions {
  /** `0.0.0.0` and `::` are every address of the machine, of both families where it has both. */
  readonly host: string
  /** 0: any free port; `UdpListener.port` then tells which. */
  readonly port: number
  /** What the kernel may hold of datagrams that were not read yet. */
  readonly receiveQueueBytes: number
  /** What may wait to be sent; beyond it datagrams are dropped. */
  readonly sendQueueBytesMax: number
  /** Told of what a handler or a socket threw; the port goes on. */
  readonly onError: (error: unknown) => void
}

export interface UdpListener extends AsyncDisposable {
  readonly port: number
  readonly families: readonly Family[]
  /** Datagrams that could not be sent, so far. */
  readonly unsent: number
}

export type Family = 'IPv4' | 'IPv6'

interface Place {
  readonly family: Family
  readonly address: string
}

const EVERYWHERE: readonly Place[] = [
  { family: 'IPv4', address: '0.0.0.0' },
  { family: 'IPv6', address: '::' },
]
/** A machine without one of the families says one of these. */
const NO_SUCH_FAMILY: ReadonlySet<string | undefined> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])
/** Any free port of one family may be taken in the other. */
const TRIES_MAX = 10

/**
 * Resolves when the port receives.
 * @throws ShoalError `conflict` when the port is taken, `bad-usage` when the address cannot be bound.
 */
export async function listenUdp(handler: UdpHandler, options: UdpListenOptions): Promise<UdpListener> {
  for (let tries = 1; ; tries++) {
    try {
      return await listenOnce(handler, options)
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || options.port !== 0 || tries === TRIES_MAX)
        throw explainListenError(error, {
          host: options.host,
          port: options.port,
          protocol: 'UDP ',
          flag: '--udp-port',
        })
    }
  }
}

async function listenOnce(handler: UdpHandler, options: UdpListenOptions): Promise<UdpListener> {
  await using stack = new AsyncDisposableStack()
  const sockets: Socket[] = []
  const families: Family[] = []
  let port = options.port
  let unsent = 0
  const places = await placesOf(options.host)
  for (const { family, address } of places) {
    const socket = stack.adopt(openSocket(family, options.receiveQueueBytes), close)
    try {
      await bind(socket, port, address)
    } catch (error) {
      if (sockets.length > 0 && NO_SUCH_FAMILY.has(systemCode(error))) continue
      throw error
    }
    port = socket.address().port
    sockets.push(socket)
    families.push(family)
  }
  for (const socket of sockets)
    serve(socket, handler, options, () => {
      unsent++
    })
  const running = stack.move()
  return {
    port,
    families,
    get unsent() {
      return unsent
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function serve(
  socket: Socket,
  handler: UdpHandler,
  { sendQueueBytesMax, onError }: UdpListenOptions,
  onUnsent: () => void,
): void {
  const onSent = (error: Error | null): void => {
    if (error !== null) onUnsent()
  }
  const send: UdpSend = (bytes, length, to) => {
    try {
      if (socket.getSendQueueSize() <= sendQueueBytesMax) {
        socket.send(bytes, 0, length, to.port, to.address, onSent)
        // Mostly the kernel has copied it by now. What it did not take is sent from our memory.
        return socket.getSendQueueSize() === 0
      }
    } catch {
      // the socket is closed, or nobody can be at that port
    }
    onUnsent()
    return true
  }
  socket.on('message', (packet, from) => {
    try {
      handler(packet, from, send)
    } catch (error) {
      onError(error)
    }
  })
  socket.on('error', onError)
}

/** Addresses are literal always: Node's own look-up would take a turn of the loop, or ask a name server. */
const LITERAL: Readonly<Record<Family, SocketOptions['lookup']>> = {
  IPv4: (address, _options, callback) => {
    callback(null, address, 4)
  },
  IPv6: (address, _options, callback) => {
    callback(null, address, 6)
  },
}

function openSocket(family: Family, receiveQueueBytes: number): Socket {
  return createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    lookup: LITERAL[family],
    recvBufferSize: receiveQueueBytes,
  })
}

async function placesOf(host: string): Promise<readonly Place[]> {
  if (host === '0.0.0.0' || host === '::') return EVERYWHERE
  const { address, family } = await lookup(host)
  return [{ family: family === 6 ? 'IPv6' : 'IPv4', address }]
}

function bind(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => {
      resolve()
    })
  })
}
