/**
 * A peer with a grant of its own that claims to have everything and sends noise for every block that it is asked:
 * TORRENT ADDRESS. Tells the tracker that it is a seed, accepts whoever connects and connects to whomever the
 * tracker names, until it is ended.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { ipAddress } from '../../src/core/address.ts'
import { Bitfield } from '../../src/core/bitfield.ts'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import { pieceLayoutOf } from '../../src/core/metainfo.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import { fetchAnnounce } from '../../src/swarm/tracker-http.ts'
import { announceUrl, parseAnnounceReply } from '../../src/wire/announce.ts'
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES } from '../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'

const PORT = 51_413
/** Often: it wants to be met. */
const ANNOUNCE_EVERY_MS = 15_000

const [torrentFile = '', address = ''] = process.argv.slice(2)
const torrent = parseTorrent(readFileSync(torrentFile))
const { infoHash } = torrent
const id = peerIdOfBytes(randomBytes(20))
const everything = Bitfield.full(pieceLayoutOf(torrent.metainfo).count).toBytes()
const noise = randomBytes(131_072)
const connected = new Set<string>()

function serve(socket: Socket, who: string): void {
  connected.add(who)
  const say = (message: PeerMessage): void => void socket.write(encodePeerMessage(message))
  const reader = new MessageReader({
    onMessage(message) {
      if (message.kind === 'interested') say({ kind: 'unchoke' })
      if (message.kind !== 'request') return
      const { piece, offset, length } = message
      say({ kind: 'piece', piece, offset, block: noise.subarray(0, length) })
    },
    onBlockBegin: () => undefined,
    onBlockEnd: () => undefined,
  })
  let head = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => connected.delete(who))
  socket.on('data', (bytes) => {
    try {
      if (head.length === HANDSHAKE_BYTES) {
        reader.push(bytes)
        return
      }
      const all = Buffer.concat([head, bytes])
      head = all.subarray(0, HANDSHAKE_BYTES)
      if (head.length < HANDSHAKE_BYTES) return
      decodeHandshake(head)
      say({ kind: 'bitfield', bits: everything })
      reader.push(all.subarray(HANDSHAKE_BYTES))
    } catch {
      socket.destroy() // Of another protocol, or encrypted.
    }
  })
  socket.write(encodeHandshake({ infoHash, peerId: id, hasExtensions: false, hasFast: false }))
}

async function meetOthers(): Promise<void> {
  const [url = ''] = torrent.announce.flat()
  const from = ipAddress(address)
  const standing = { infoHash, peerId: id, port: PORT, uploadedBytes: 0, downloadedBytes: 0, leftBytes: 0 }
  const request = announceUrl(url, { ...standing, event: 'started', compact: true, isOurs: false })
  const answer = parseAnnounceReply(await fetchAnnounce(request, from, AbortSignal.timeout(10_000)))
  if (answer.kind === 'refused') throw new Error(answer.refusal.reason)
  for (const { host, port } of answer.reply.peers)
    if (!connected.has(host) && host !== from) serve(connect({ host, port, localAddress: address }), host)
}

createServer((socket) => serve(socket, socket.remoteAddress ?? '')).listen(PORT, address)
for (;;) {
  await meetOthers().catch((error: unknown) => console.error(String(error)))
  await wait(ANNOUNCE_EVERY_MS)
}
