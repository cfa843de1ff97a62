/**
 * A viewer that lies: TORRENT. It has a grant of its own, meets the others over the tracker's WebSocket, says that it has
 * everything, and sends noise for every block that it is asked for, until it is ended. Prints a line of JSON each second.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type DataChannel, PeerConnection } from 'node-datachannel'
import { WebSocket } from 'ws'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES } from '../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { formatSignal, offerIdOf, type Offer } from '../../src/wire/signal.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'

/** Often: it wants to be met. */
const ANNOUNCE_EVERY_MS = 15_000
const OFFERS = 5
/** The oldest that nobody took up are forgotten. */
const OPEN_MAX = 60
const BLOCK_BYTES_MAX = 131_072

/** What it says each second. */
export interface LiarSays {
  /** Viewers that shook hands with it, each time counted. */
  readonly met: number
  readonly blocksSent: number
  /** Connections on which it sent noise, and those of them that the other side has ended. */
  readonly liedOn: number
  readonly endedAfterLies: number
  readonly isRefused: boolean
}

const [torrentFile = ''] = process.argv.slice(2)
const { infoHash, announce } = parseTorrent(readFileSync(torrentFile))
const peerId = peerIdOfBytes(
  Buffer.concat([Buffer.from('-SW0100-'), Buffer.from(randomBytes(9).toString('base64'))]),
)
const noise = randomBytes(BLOCK_BYTES_MAX)
const says = { met: 0, blocksSent: 0, liedOn: 0, endedAfterLies: 0, isRefused: false }
/** Offers that are out, by their ids, the oldest first. */
const offered = new Map<string, PeerConnection>()
const tracker = new WebSocket((announce.flat()[0] ?? '').replace(/^http/, 'ws'))

function serve(channel: DataChannel): void {
  let [head, lies] = [Buffer.alloc(0), 0]
  const say = (message: PeerMessage): void => void channel.sendMessageBinary(encodePeerMessage(message))
  const reader = new MessageReader({
    onMessage(message) {
      if (message.kind === 'interested') say({ kind: 'unchoke' })
      if (message.kind !== 'request' || !channel.isOpen()) return
      const { piece, offset, length } = message
      say({ kind: 'piece', piece, offset, block: noise.subarray(0, Math.min(length, BLOCK_BYTES_MAX)) })
      if (lies++ === 0) says.liedOn++
      says.blocksSent++
    },
    onBlockBegin: () => undefined,
    onBlockEnd: () => undefined,
  })
  const greet = (): void => {
    channel.sendMessageBinary(encodeHandshake({ infoHash, peerId, hasExtensions: false, hasFast: true }))
    say({ kind: 'have-all' })
    say({ kind: 'unchoke' })
  }
  channel.onClosed(() => {
    if (lies > 0) says.endedAfterLies++
  })
  channel.onMessage((bytes) => {
    try {
      let rest = Buffer.from(bytes as Buffer)
      if (head.length < HANDSHAKE_BYTES) {
        const all = Buffer.concat([head, rest])
        head = all.subarray(0, HANDSHAKE_BYTES)
        if (head.length < HANDSHAKE_BYTES) return
        decodeHandshake(head)
        says.met++
        rest = all.subarray(HANDSHAKE_BYTES)
      }
      reader.push(rest)
    } catch {
      channel.close() // Of another protocol.
    }
  })
  if (channel.isOpen()) greet()
  else channel.onOpen(greet)
}

/** The description with all its candidates; the connection waits for what the other side answers. */
function described(connection: PeerConnection): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (connection.gatheringState() !== 'complete') return
      const sdp = connection.localDescription()?.sdp
      if (sdp === undefined) reject(new Error('there is no description'))
      else resolve(sdp)
    }
    connection.onGatheringStateChange(look)
    look()
  })
}

const connect = (): PeerConnection => new PeerConnection('liar', { iceServers: [] })

async function makeOffer(): Promise<Offer> {
  const connection = connect()
  serve(connection.createDataChannel('shoal'))
  const sdp = await described(connection)
  const offerId = offerIdOf(randomBytes(20).toString('latin1'))
  offered.set(offerId, connection)
  const [oldest] = offered
  if (oldest !== undefined && offered.size > OPEN_MAX) {
    oldest[1].close()
    offered.delete(oldest[0])
  }
  return { offerId, sdp: sdpOf(sdp) }
}

async function meetOthers(event?: 'started'): Promise<void> {
  const offers = await Promise.all(Array.from({ length: OFFERS }, makeOffer))
  const standing = { infoHash, peerId, leftBytes: 0, numWant: OFFERS, offers }
  tracker.send(formatSignal({ kind: 'announce', ...standing, ...(event === undefined ? {} : { event }) }))
}

interface Heard {
  readonly offer?: { readonly sdp: string }
  readonly answer?: { readonly sdp: string }
  readonly offer_id?: string
  readonly peer_id?: string
  readonly 'failure reason'?: string
}

async function hear(heard: Heard): Promise<void> {
  if (heard['failure reason'] !== undefined) {
    says.isRefused = true
    console.error(heard['failure reason'])
  }
  const { offer, answer, offer_id: offerId = '', peer_id: from = '' } = heard
  if (answer !== undefined) offered.get(offerId)?.setRemoteDescription(answer.sdp, 'answer')
  offered.delete(answer === undefined ? '' : offerId)
  if (offer === undefined) return
  const connection = connect()
  connection.onDataChannel(serve)
  connection.setRemoteDescription(offer.sdp, 'offer')
  const sdp = sdpOf(await described(connection))
  const toPeerId = peerIdOfBytes(Buffer.from(from, 'latin1'))
  const reply = { infoHash, peerId, toPeerId, offerId: offerIdOf(offerId), sdp }
  tracker.send(formatSignal({ kind: 'answer', ...reply }))
}

const complain = (error: unknown): void => console.error(String(error))
tracker.on('open', () => {
  meetOthers('started').catch(complain)
  setInterval(() => void meetOthers().catch(complain), ANNOUNCE_EVERY_MS)
})
tracker.on('message', (bytes: Buffer) => {
  hear(JSON.parse(bytes.toString()) as Heard).catch(complain)
})
tracker.on('error', complain)
setInterval(() => console.log(JSON.stringify(says satisfies LiarSays)), 1_000)
