/** What we tell peers about ourselves: extension handshake, what we have, what we have no more. */
import type { PieceIndex } from '../core/piece-layout.ts'
import {
  encodeDontHave,
  encodeExtensionHandshake,
  EXTENSION_HANDSHAKE_ID,
  OUR_EXTENSION_IDS,
} from '../wire/extension.ts'
import { limits } from '../wire/limits.ts'
import { encodePeerMessage } from '../wire/peer-message.ts'
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

/** Every peer hears it, also those that have the piece: they see how it spreads. */
export function tellPiece(s: SwarmState, piece: PieceIndex): void {
  for (const peer of [...s.peers.values()]) peer.send({ kind: 'have', piece })
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
