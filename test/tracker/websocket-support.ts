/** A browser, as far as the tracker sees one: a WebSocket on loopback that speaks the messages of WebTorrent. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'
import type { InfoHash, PeerId } from '../../src/core/ids.ts'
import { sdpOf, type Sdp } from '../../src/wire/sdp.ts'
import { formatSignal, offerIdOf, type Offer, type SignalAnnounce } from '../../src/wire/signal.ts'
import { randomPeerId, SWARM } from './support.ts'

/** A message of the tracker, as JSON. */
export type Said = Readonly<Record<string, unknown>>

export interface BrowserOptions {
  /** Where it stands; any address of 127/8. */
  readonly localAddress?: string
  readonly headers?: Record<string, string>
  readonly path?: string
  readonly answersPings?: boolean
}

export class Browser {
  readonly peerId: PeerId = randomPeerId()
  readonly webSocket: WebSocket
  readonly #said: Said[] = []
  readonly #waiting: (() => void)[] = []
  #isClosed = false
  /** That we wait for. */
  #pongs = 0
  closeCode: number | undefined

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket
    webSocket.on('message', (data: Buffer) => {
      this.#said.push(JSON.parse(data.toString()) as Said)
      this.#wake()
    })
    webSocket.on('pong', () => {
      this.#pongs--
      this.#wake()
    })
    webSocket.on('error', () => undefined)
    webSocket.on('close', (code) => {
      this.closeCode = code
      this.#isClosed = true
      this.#wake()
    })
  }

  /** Resolves when the WebSocket is open; rejects with the status when it is refused. */
  static async open(port: number, grant: string, options: BrowserOptions = {}): Promise<Browser> {
    const { localAddress = '127.0.0.1', headers, path = '/announce', answersPings = true } = options
    const url = `ws://127.0.0.1:${port}${path}?g=${grant}`
    const browser = new Browser(
      new WebSocket(url, { localAddress, autoPong: answersPings, perMessageDeflate: false, ...(headers && { headers }) }),
    ) // prettier-ignore
    await new Promise<void>((resolve, reject) => {
      browser.webSocket.once('open', resolve)
      browser.webSocket.once('error', reject)
    })
    return browser
  }

  say(text: string): void {
    this.webSocket.send(text)
  }

  announce(over: Partial<SignalAnnounce> = {}): void {
    this.say(
      formatSignal({
        kind: 'announce',
        infoHash: SWARM,
        peerId: this.peerId,
        leftBytes: 1,
        offers: [],
        ...over,
      }),
    )
  }

  /** Announces, and resolves with the answer: the first message that is no offer. */
  async join(over: Partial<SignalAnnounce> = {}): Promise<Said> {
    this.announce(over)
    return this.next((said) => said['offer'] === undefined && said['answer'] === undefined)
  }

  answer(to: Said, over: { readonly peerId?: PeerId; readonly infoHash?: InfoHash } = {}): void {
    const { peerId = this.peerId, infoHash = SWARM } = over
    this.say(
      formatSignal({
        kind: 'answer',
        infoHash,
        peerId,
        toPeerId: hexOf(to['peer_id']) as PeerId,
        offerId: offerIdOf(to['offer_id']),
        sdp: SDP,
      }),
    )
  }

  /** The next message that fits; those before it stay for others to ask for. Rejects when the socket closes first. */
  async next(fits: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const at = this.#said.findIndex(fits)
      const [found] = at === -1 ? [] : this.#said.splice(at, 1)
      if (found !== undefined) return found
      if (this.#isClosed) throw new Error(`closed with ${this.closeCode ?? 0}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** What came and nobody asked for yet, once the tracker has answered all that was said. */
  async rest(): Promise<readonly Said[]> {
    if (!this.#isClosed) {
      this.#pongs++
      this.webSocket.ping()
      while (this.#awaitsPong()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.#said.splice(0)
  }

  /** Resolves with the code once the tracker has closed it. */
  async closed(): Promise<number> {
    while (!this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.closeCode ?? 0
  }

  /** Ends as a machine does that loses its power, as far as a process can. */
  destroy(): void {
    this.webSocket.terminate()
  }

  #awaitsPong(): boolean {
    return this.#pongs > 0 && !this.#isClosed
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

export const SDP = sdpOf('v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n')

export function offersOf(count: number, sdp: Sdp = SDP): Offer[] {
  return Array.from({ length: count }, () => ({
    offerId: offerIdOf(randomBytes(20).toString('latin1')),
    sdp,
  }))
}

export const isOffer = (said: Said): boolean => said['offer'] !== undefined
export const isAnswer = (said: Said): boolean => said['answer'] !== undefined
export const hexOf = (binary: unknown): string => Buffer.from(String(binary), 'latin1').toString('hex')
export const reasonIn = (said: Said): string => String(said['failure reason'])

/** A WebSocket of which nothing is read once it is open. */
export async function openDeaf(port: number, grant: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(
    `GET /announce?g=${grant} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** One masked text frame, or the head of one of which `length` bytes are to come. */
export function frameOf(text: string): Buffer {
  const payload = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(payload.length)
  const head = payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, ...length]
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload])
}
