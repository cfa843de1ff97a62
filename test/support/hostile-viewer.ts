/**
 * Somebody in the swarm of a film who means harm, as a program: meets pages by the tracker with WebRTC of node-datachannel, and does
 * as its order says. What happens is told in lines of JSON. One argument, a {@link HostileOrder} as JSON.
 */
import { randomBytes } from 'node:crypto'
import nodeDataChannel, { type DataChannel, type PeerConnection } from 'node-datachannel'
import { WebSocket } from 'ws'
import { infoHash as infoHashOf, peerIdOfBytes } from '../../src/core/ids.ts'
import { MessageStream } from '../../src/web/engine/message-stream.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { parseSignalReply, type SignalReply } from '../../src/wire/signal-reply.ts'
import { formatSignal, offerIdOf } from '../../src/wire/signal.ts'

export interface HostileOrder {
  /** Of the tracker, with a grant. */
  readonly url: string
  readonly infoHash: string
  /** `lie`: claims all, sends noise. `garbage`: what no protocol knows. `text`: words. `sdp`: offers that mean nothing. */
  readonly does: 'lie' | 'garbage' | 'text' | 'sdp'
  /** For `sdp`. */
  readonly offers?: readonly string[]
  /** Says it is the gateway. */
  readonly prefix?: string
}

const order = JSON.parse(process.argv[2] ?? '{}') as HostileOrder
const tell = (line: object): void => console.log(JSON.stringify(line))
const infoHash = infoHashOf(order.infoHash)
const name = `${order.prefix ?? '-SW0100-'}${randomBytes(9).toString('base64url')}`
const peerId = peerIdOfBytes(Buffer.from(name, 'latin1'))
const offered = new Map<string, PeerConnection>()
const socket = new WebSocket(order.url)
const OFFER_EVERY_MS = 1_500

/** Being hung up on is what is expected here; what a callback throws would end the process. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // it is gone
  }
}

function serve(channel: DataChannel): void {
  let lies = 0
  let isMet = false
  const stream = new MessageStream()
  const say = (...all: readonly (PeerMessage | Uint8Array)[]): void => {
    for (const one of all)
      attempt(() => {
        if (channel.isOpen())
          channel.sendMessageBinary(Buffer.from(one instanceof Uint8Array ? one : encodePeerMessage(one)))
      })
  }
  const hello = (): void => {
    tell({ event: 'open' })
    say(encodeHandshake({ infoHash, peerId, hasExtensions: false, hasFast: true }))
    if (order.does === 'garbage') say({ kind: 'have-all' }, randomBytes(60_000), randomBytes(60_000))
    else if (order.does === 'text') attempt(() => void channel.sendMessage('alert(1)'))
    else say({ kind: 'have-all' }, { kind: 'unchoke' })
  }
  const hear = (bytes: Uint8Array): void => {
    for (const message of stream.take(bytes)) {
      if (message.kind === 'handshake' && !isMet) {
        isMet = true
        const met = Buffer.from(message.handshake.peerId, 'hex').toString('latin1')
        tell({ event: 'met', met })
      }
      if (message.kind !== 'request' || order.does !== 'lie') continue
      if (lies++ === 0) tell({ event: 'lied' })
      const { piece, offset, length } = message
      say({ kind: 'piece', piece, offset, block: randomBytes(length) })
    }
  }
  channel.onMessage((message) => {
    attempt(() => {
      hear(Buffer.from(message as Buffer))
    })
  })
  channel.onClosed(() => {
    tell({ event: 'closed', isMet, lies })
  })
  if (channel.isOpen()) hello()
  else channel.onOpen(hello)
}

const connection = (): PeerConnection =>
  new nodeDataChannel.PeerConnection('hostile', { iceServers: [], bindAddress: '127.0.0.1' })

function described(pc: PeerConnection): Promise<string> {
  return new Promise((resolve) => {
    pc.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(pc.localDescription()?.sdp ?? '')
    })
  })
}

async function sdpToOffer(offerId: string): Promise<string> {
  if (order.does === 'sdp') {
    const all = order.offers ?? []
    return all[offersMade++ % all.length] ?? ''
  }
  const pc = connection()
  const said = described(pc)
  serve(pc.createDataChannel('x'))
  offered.set(offerId, pc)
  return await said
}

let offersMade = 0

async function offer(): Promise<void> {
  const count = order.does === 'sdp' ? 5 : 1
  const ids = Array.from({ length: count }, () => offerIdOf(randomBytes(20).toString('latin1')))
  const offers = await Promise.all(
    ids.map(async (offerId) => ({ offerId, sdp: sdpOf(await sdpToOffer(offerId)) })),
  )
  if (socket.readyState === WebSocket.OPEN)
    socket.send(formatSignal({ kind: 'announce', infoHash, peerId, leftBytes: 1, numWant: count, offers }))
  tell({ event: 'offered', made: offersMade })
}

async function answer(to: Extract<SignalReply, { readonly sdp: unknown }>): Promise<void> {
  const pc = connection()
  const said = described(pc)
  pc.onDataChannel(serve)
  pc.setRemoteDescription(to.sdp, 'offer')
  const sdp = sdpOf(await said)
  socket.send(formatSignal({ kind: 'answer', infoHash, peerId, toPeerId: to.from, offerId: to.offerId, sdp }))
}

socket.on('open', () => {
  void offer()
  setInterval(() => void offer(), OFFER_EVERY_MS)
})
socket.on('error', (error) => tell({ event: 'error', reason: error.message }))
socket.on('close', () => tell({ event: 'tracker closed' }))
socket.on('message', (data: Buffer) => {
  const reply = parseSignalReply(data.toString())
  if (reply.kind === 'refused') tell({ event: 'refused', reason: reply.reason })
  if (reply.kind === 'answer') {
    tell({ event: 'answered' })
    attempt(() => offered.get(reply.offerId)?.setRemoteDescription(reply.sdp, 'answer'))
  }
  if (reply.kind === 'offer' && order.does !== 'sdp') void answer(reply).catch(() => undefined)
})
process.on('SIGTERM', () => process.exit(0))
