/** What we tell peers about ourselves: extension handshake, what we have, what we have no more. */
import type { PieceIndex } from '../core/piece-layout.ts'
import { millis } from '../core/units.ts'
import {
  encodeDontHave,
  encodeExtensionHandshake,
  EXTENSION_HANDSHAKE_ID,
  OUR_EXTENSION_IDS,
} from '../wire/extension.ts'
import { limits } from '../wire/limits.ts'
import { encodePeerMessage } from '../wire/peer-message.ts'
import { isMate } from './mates.ts'
import type { Peer } from './peer.ts'
import { isShaped } from './revealing.ts'
import type { SwarmState } from './swarm-state.ts'

const CLIENT = 'Shoal 0.1.0'

/** The first messages to a new peer. */
export function greet(s: SwarmState, peer: Peer): void {
  sendHandshakeAgain(s, peer)
  const have = isShaped(s, peer) ? undefined : s.loaded?.have
  if (have !== undefined && have.count > 0) {
    if (have.isFull && peer.hasFast) peer.send({ kind: 'have-all' })
    else peer.send({ kind: 'bitfield', bits: have.toBytes() })
  } else if (peer.hasFast) {
    peer.send({ kind: 'have-none' })
  }
}

/** BEP 10 lets us repeat it: once the metadata is here, others may ask us for it. */
export function sendHandshakeAgain(s: SwarmState, peer: Peer): void {
  if (!peer.hasExtensions) return
  const payload = encodeExtensionHandshake({
    ids: new Map(Object.entries(OUR_EXTENSION_IDS)),
    client: CLIENT,
    listenPort: s.shared.port(),
    requestsInMax: limits.requestsInMax,
    ...(s.torrent !== undefined && { metadataBytes: s.torrent.infoBytes.length }),
  })
  peer.send({ kind: 'extended', id: EXTENSION_HANDSHAKE_ID, payload })
}

/** Across a WAN a moment more is nothing, and a message of nine bytes costs as much as one of ninety. */
const TELL_EVERY = millis(100)

/**
 * Our site hears it at once, others a moment later with what else is new. Our own clients that have the piece hear
 * nothing: to whom it would tell how the piece spreads, the origins, everything is told.
 */
export function tellPiece(s: SwarmState, piece: PieceIndex): void {
  for (const peer of [...s.peers.values()])
    if (peer.source === 'site' && isNews(peer, piece)) peer.send({ kind: 'have', piece })
  s.untold.push(piece)
  s.tellTimer ??= s.shared.clock.after(TELL_EVERY, () => s.post({ kind: 'tell-due' }))
}

export function onTellDue(s: SwarmState): void {
  s.tellTimer?.cancel()
  s.tellTimer = undefined
  const pieces = s.untold.splice(0)
  for (const peer of [...s.peers.values()]) {
    if (peer.source === 'site') continue
    const news = pieces.filter((piece) => isNews(peer, piece))
    if (news.length > 0)
      peer.sendBytes(Buffer.concat(news.map((piece) => encodePeerMessage({ kind: 'have', piece }))))
  }
}

function isNews(peer: Peer, piece: PieceIndex): boolean {
  // Who never wanted anything may be an origin that nobody has named.
  const isObserver = peer.source === 'origin' || !peer.wasInterested
  const isNeeded = isObserver || !isMate(peer) || !peer.has.has(piece)
  peer.isToldAll &&= isNeeded
  return isNeeded
}

/** We have everything: who was spared some of it hears it now, or two who are of no use to each other would never know. */
export function tellOfWhole(s: SwarmState): void {
  onTellDue(s)
  for (const peer of [...s.peers.values()]) {
    if (peer.isToldAll || s.loaded === undefined) continue
    peer.isToldAll = true
    peer.send({ kind: 'bitfield', bits: s.loaded.have.toBytes() })
  }
}

/** Many at once, encoded once: what a resumed download has may be 200,000 pieces. */
export function tellPieces(s: SwarmState, pieces: Iterable<PieceIndex>): void {
  if (s.peers.size === 0) return
  const bytes = Buffer.concat(Array.from(pieces, (piece) => encodePeerMessage({ kind: 'have', piece })))
  if (bytes.length === 0) return
  for (const peer of [...s.peers.values()]) peer.sendBytes(bytes)
}

/** BEP 54, to those who know the word. */
export function tellLost(s: SwarmState, piece: PieceIndex): void {
  for (const peer of [...s.peers.values()]) {
    const id = peer.extensionId('lt_donthave')
    if (id !== undefined) peer.send({ kind: 'extended', id, payload: encodeDontHave(piece) })
    s.loaded?.uploader.withdraw(peer, piece)
  }
}
