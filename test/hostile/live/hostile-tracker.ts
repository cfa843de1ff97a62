/**
 * A tracker on loopback that answers each announce as its `case` says: with a reply of the corpus, or with what is no
 * reply at all. `honest` names one peer.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { KiB } from '../../../src/core/units.ts'
import { dictOf, encodeBencode } from '../../../src/wire/bencode.ts'
import { hostileInputs } from '../../support/corpus.ts'

const CHUNK = Buffer.alloc(64 * KiB, 0x61)
const DRIBBLE_EVERY_MS = 100

type Answer = (socket: Socket) => void

const withBody =
  (body: Uint8Array, headers = ''): Answer =>
  (socket) =>
    socket.end(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n`),
        body,
      ]),
    )

/** Writes as fast as it is read, until the other side hangs up. */
const endless =
  (head: string, frame: (chunk: Buffer) => Buffer): Answer =>
  (socket) => {
    socket.write(head)
    const more = (): void => {
      while (!socket.destroyed && socket.write(frame(CHUNK)));
    }
    socket.on('drain', more)
    more()
  }

const chunked = (chunk: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])

const TRANSPORT: Readonly<Record<string, Answer>> = {
  'hangs up': (socket) => socket.destroy(),
  'says nothing': () => undefined,
  'cut in the middle of the body': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd8:interv'),
  'cut in the middle of a header': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'no HTTP': (socket) => socket.end(Buffer.alloc(96)),
  'body without end': endless('HTTP/1.1 200 OK\r\n\r\n', (chunk) => chunk),
  'chunks without end': endless('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunked),
  'headers without end': endless('HTTP/1.1 200 OK\r\nX: ', (chunk) => chunk),
  'a terabyte announced': (socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\nd'),
  'compressed without being asked': withBody(CHUNK, 'Content-Encoding: gzip\r\n'),
  'elsewhere, link-local': (socket) =>
    socket.end(
      'HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/announce\r\nContent-Length: 0\r\n\r\n',
    ),
  'elsewhere, a file': (socket) =>
    socket.end('HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n'),
  'an error page': (socket) => socket.end('HTTP/1.1 500 x\r\nContent-Length: 4\r\n\r\noops'),
  'a byte at a time': (socket) => {
    const text = `HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n${'d'.repeat(65_536)}`
    let at = 0
    const timer = setInterval(() => socket.write(text.slice(at, ++at)), DRIBBLE_EVERY_MS)
    socket.on('close', () => clearInterval(timer))
  },
}

export class HostileTracker implements AsyncDisposable {
  /** How often each case was asked. */
  readonly asked = new Map<string, number>()
  readonly #answers = new Map<string, Answer>()
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #url = ''

  private constructor() {
    for (const { name, bytes } of hostileInputs('announce-reply')) this.#answers.set(name, withBody(bytes))
    for (const [name, answer] of Object.entries(TRANSPORT)) this.#answers.set(name, answer)
    this.#server = createServer((socket) => this.#onSocket(socket))
  }

  static async start(): Promise<HostileTracker> {
    const tracker = new HostileTracker()
    tracker.#server.listen(0, '127.0.0.1')
    await once(tracker.#server, 'listening')
    const address = tracker.#server.address()
    if (address === null || typeof address === 'string') throw new TypeError('no port')
    tracker.#url = `http://127.0.0.1:${address.port}/announce`
    return tracker
  }

  /** Of all hostile ones. */
  get cases(): readonly string[] {
    return [...this.#answers.keys()].filter((name) => name !== 'honest')
  }

  /** Answers `honest` with a peer of 127.0.0.1. */
  name(peerPort: number): void {
    const peers = Buffer.from([127, 0, 0, 1, peerPort >> 8, peerPort & 255])
    this.#answers.set('honest', withBody(encodeBencode(dictOf({ interval: 60, peers }))))
  }

  urlOf(name: string): string {
    return `${this.#url}?case=${encodeURIComponent(name)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.once('data', (head) => {
      const target = /^GET (\S+)/.exec(head.toString('latin1'))?.[1] ?? ''
      const name = new URL(target, 'http://tracker').searchParams.get('case') ?? ''
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
      this.#answers.get(name)?.(socket)
    })
  }
}
