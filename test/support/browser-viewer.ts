/**
 * A page that plays, as a program: WebRTC of node-datachannel, offers by the tracker's WebSocket, and a small
 * BitTorrent leecher. One argument, or else its first line of input: a {@link ViewerOrder} as JSON; what happens is told in lines of JSON.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createHash, randomBytes } from 'node:crypto'
import nodeDataChannel, { type DataChannel, type PeerConnection } from 'node-datachannel'
import { WebSocket } from 'ws'
import { infoHash as infoHashOf, peerIdOfBytes } from '../../src/core/ids.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import { encodeHandshake, HANDSHAKE_BYTES } from '../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { parseSignalReply, type SignalReply } from '../../src/wire/signal-reply.ts'
import { formatSignal, offerIdOf } from '../../src/wire/signal.ts'

export interface ViewerOrder {
  /** Of the tracker, with the grant. */
  readonly url: string
  readonly infoHash: string
  readonly sizeBytes: number
  readonly pieceLength: number
  /** What it says over one connection each, as hex, in place of fetching; each is ended a moment later. */
  readonly says?: readonly string[]
  /** It asks for everything, and then has the whole process stand still. */
  readonly reads?: boolean
  /** It offers nothing, and waits to be offered. */
  readonly waits?: boolean
  /** When no more than so many blocks are missing, it looks at what it has: SHA-1 of the pieces, base64. */
  readonly enough?: { readonly blocksLeft: number; readonly pieceHashes: string }
  /** It does not fetch from whoever has a name that begins so. */
  readonly avoids?: string
  /** Names this release in its handshake. */
  readonly handshakeFor?: string
}

const [line] =
  process.argv[2] === undefined
    ? ((await once(createInterface({ input: process.stdin }), 'line')) as [string])
    : [process.argv[2]]
const order = JSON.parse(line) as ViewerOrder
const tell = (line: object): void => console.log(JSON.stringify(line))
const infoHash = infoHashOf(order.infoHash)
const peerId = peerIdOfBytes(Buffer.from(`-SW0100-${randomBytes(9).toString('base64url')}`, 'latin1'))
const whole = Buffer.alloc(order.sizeBytes)
const BLOCK = 16_384
const PIPELINE = 60
/** Whose offers it answers: the gateway's, or those of all others. */
const isWelcome = (from: string): boolean =>
  order.avoids === undefined ? from.startsWith(GATEWAY) : connected === 0 && !from.startsWith(GATEWAY)
/** `-SG`, as peer ids begin. */
const GATEWAY = Buffer.from('-SG').toString('hex')
/** In a handshake. */
const PEER_ID_AT = 48
const wanted = new Set<number>()
for (let at = 0; at < order.sizeBytes; at += BLOCK) wanted.add(at)

type Introduction = Extract<SignalReply, { readonly sdp: unknown }>

interface Meeting {
  readonly pc: PeerConnection
  readonly offerId: ReturnType<typeof offerIdOf> | undefined
}
const meetings = new Map<string, Meeting>()
let socket: WebSocket
const says = [...(order.says ?? [])]
/** Connections that are open. */
let connected = 0

const connection = (): PeerConnection =>
  new nodeDataChannel.PeerConnection('viewer', { iceServers: [], bindAddress: '127.0.0.1' })

function described(pc: PeerConnection): Promise<string> {
  return new Promise((resolve) => {
    pc.onGatheringStateChange((state) => {
      if (state === 'complete') resolve(pc.localDescription()?.sdp ?? '')
    })
  })
}

async function offer(): Promise<void> {
  const pc = connection()
  const said = described(pc)
  use(pc, pc.createDataChannel('x'), false)
  const offerId = offerIdOf(randomBytes(20).toString('latin1'))
  meetings.set(offerId, { pc, offerId })
  const offers = [{ offerId, sdp: sdpOf(await said) }]
  socket.send(formatSignal({ kind: 'announce', infoHash, peerId, leftBytes: 1, numWant: 1, offers }))
}

/** `isOffered`: by another, who has come back perhaps, and whose former connection we do not know to be dead. */
function use(pc: PeerConnection, channel: DataChannel, isOffered: boolean): void {
  let isOpen = false
  let isOver = false
  const over = (): void => {
    if (isOver) return
    isOver = true
    if (isOpen) connected--
    tell({ event: 'closed', left: wanted.size })
    pc.close()
    if (order.says !== undefined) next()
    else if (wanted.size > 0 && order.waits !== true) setTimeout(() => void offer(), 200)
  }
  channel.onClosed(over)
  pc.onStateChange((state) => {
    if (state === 'failed' || state === 'disconnected' || state === 'closed') over()
  })
  channel.onOpen(() => {
    if (isOver || (connected > 0 && !isOffered)) return
    isOpen = true
    connected++
    tell({ event: 'open' })
    const say = says.shift()
    if (say !== undefined) {
      const bytes = Buffer.from(say, 'hex')
      for (let at = 0; at < bytes.length; at += 65_536) give(channel, bytes.subarray(at, at + 65_536))
      setTimeout(over, 150)
    } else fetchBy(channel, over)
  })
}

/** The library throws at what was closed a moment ago, and what its callbacks throw ends the process. */
function give(channel: DataChannel, bytes: Uint8Array): void {
  try {
    channel.sendMessageBinary(Buffer.from(bytes))
  } catch {
    // it is told by `onClosed`
  }
}

function fetchBy(channel: DataChannel, over: () => void): void {
  const asked = new Set<number>()
  let theirs = new Uint8Array(Math.ceil(order.sizeBytes / order.pieceLength / 8))
  let mayAsk = false
  const hasPiece = (piece: number): boolean => (((theirs[piece >> 3] ?? 0) >> (7 - (piece & 7))) & 1) === 1
  let head: Buffer = Buffer.alloc(0)
  let block: { at: number; bytes: Uint8Array } | undefined
  const send = (message: PeerMessage): void => {
    give(channel, encodePeerMessage(message))
  }
  const ask = (): void => {
    for (const at of wanted) {
      if (asked.size >= PIPELINE) return
      const piece = Math.floor(at / order.pieceLength)
      if (asked.has(at) || !hasPiece(piece)) continue
      asked.add(at)
      const length = Math.min(BLOCK, order.sizeBytes - at)
      send({ kind: 'request', piece, offset: at - piece * order.pieceLength, length })
    }
  }
  const reader = new MessageReader({
    onMessage: (message) => {
      if (message.kind === 'bitfield') theirs = Uint8Array.from(message.bits)
      if (message.kind === 'have-all') theirs.fill(255)
      if (message.kind === 'have') {
        theirs[message.piece >> 3] = (theirs[message.piece >> 3] ?? 0) | (128 >> (message.piece & 7))
        if (mayAsk) ask()
      }
      if (message.kind === 'unchoke') {
        mayAsk = true
        ask()
        if (order.reads === false) {
          tell({ event: 'standing still' })
          process.kill(process.pid, 'SIGSTOP')
        }
      }
      if (message.kind === 'reject') asked.delete(message.piece * order.pieceLength + message.offset)
    },
    onBlockBegin: (piece, offset, length) => {
      block = { at: piece * order.pieceLength + offset, bytes: new Uint8Array(length) }
      return block.bytes
    },
    onBlockEnd: () => {
      if (block === undefined) return
      whole.set(block.bytes, block.at)
      asked.delete(block.at)
      if (wanted.delete(block.at) && wanted.size % 64 === 0) tell({ event: 'progress', left: wanted.size })
      if (wanted.size === order.enough?.blocksLeft)
        tell({ event: 'enough', ...judged(order.enough.pieceHashes) })
      if (wanted.size === 0) {
        tell({ event: 'done', sha256: createHash('sha256').update(whole).digest('hex') })
      } else ask()
    },
  })
  channel.onMessage((message) => {
    const bytes = Buffer.from(message as Buffer)
    const skip = Math.min(HANDSHAKE_BYTES - head.length, bytes.length)
    head = Buffer.concat([head, bytes.subarray(0, skip)])
    const isMet = head.length === HANDSHAKE_BYTES
    if (isMet && order.avoids !== undefined && head.toString('latin1', PEER_ID_AT).startsWith(order.avoids))
      over()
    else if (bytes.length > skip) reader.push(bytes.subarray(skip))
  })
  const named = infoHashOf(order.handshakeFor ?? order.infoHash)
  const handshake = encodeHandshake({ infoHash: named, peerId, hasExtensions: false, hasFast: true })
  give(channel, handshake)
  send({ kind: 'have-none' })
  send({ kind: 'interested' })
}

/** How many whole pieces are what was published, and how many are not. */
function judged(pieceHashes: string): { good: number; bad: number } {
  const hashes = Buffer.from(pieceHashes, 'base64')
  const { pieceLength, sizeBytes } = order
  const result = { good: 0, bad: 0 }
  for (let start = 0; start < sizeBytes; start += pieceLength) {
    const end = Math.min(sizeBytes, start + pieceLength)
    if ([...wanted].some((at) => at >= start && at < end)) continue
    const hash = createHash('sha1').update(whole.subarray(start, end)).digest()
    const at = (20 * start) / pieceLength
    if (hash.equals(hashes.subarray(at, at + 20))) result.good++
    else result.bad++
  }
  return result
}

function next(): void {
  if (says.length === 0) {
    tell({ event: 'said' })
    return
  }
  setTimeout(() => void offer(), 20)
}

async function answer(pc: PeerConnection, to: Introduction): Promise<void> {
  const said = described(pc)
  pc.onDataChannel((channel) => use(pc, channel, true))
  pc.setRemoteDescription(to.sdp, 'offer')
  const sdp = sdpOf(await said)
  socket.send(formatSignal({ kind: 'answer', infoHash, peerId, toPeerId: to.from, offerId: to.offerId, sdp }))
}

function connect(): void {
  socket = new WebSocket(order.url)
  socket.on('error', () => undefined)
  socket.on('close', () => tell({ event: 'tracker closed' }))
  socket.on('open', () => {
    if (order.waits === true)
      socket.send(formatSignal({ kind: 'announce', infoHash, peerId, leftBytes: 1, offers: [] }))
    else void offer()
    // Nobody may have been there to answer, or it died with the answer: then another offer is made.
    setInterval(
      () => {
        if (connected === 0 && order.waits !== true && (says.length > 0 || wanted.size > 0)) void offer()
      },
      order.says === undefined ? 1_500 : 400,
    )
  })
  socket.on('message', (data: Buffer) => {
    const reply = parseSignalReply(data.toString())
    if (reply.kind === 'refused') tell({ event: 'refused', reason: reply.reason })
    if (reply.kind === 'counts') tell({ event: 'counts', complete: reply.complete })
    if (reply.kind === 'offer' && isWelcome(reply.from)) void answer(connection(), reply)
    if (reply.kind === 'answer')
      try {
        meetings.get(reply.offerId)?.pc.setRemoteDescription(reply.sdp, 'answer')
      } catch {
        // it was closed meanwhile
      }
  })
}

connect()
process.on('SIGTERM', () => process.exit(0))
