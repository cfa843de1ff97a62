/** What a peer says, kind by kind. Whatever no honest client would say ends the connection. */
import { Bitfield } from '../core/bitfield.ts'
import { unreachable } from '../core/errors.ts'
import {
  decodeDontHave,
  decodeExtensionHandshake,
  decodeMetadataMessage,
  encodeMetadataMessage,
  EXTENSION_HANDSHAKE_ID,
  OUR_EXTENSION_IDS,
} from '../wire/extension.ts'
import { limits } from '../wire/limits.ts'
import type { BlockRange, PeerMessage } from '../wire/peer-message.ts'
import { leaveSiteTo, onInterested, onNotInterested, updateInterest } from './interest.ts'
import { placePeer } from './connecting.ts'
import type { Peer } from './peer.ts'
import { isShaped, onPeerAsked, onPeerGot, onPeerToldPieces, revealAllIfOrigin } from './revealing.ts'
import { onExchangeMessage, proveKey } from './peer-exchange.ts'
import { considerMember, onFetch, onHello, onUnfetch } from './site-talk.ts'
import type { SwarmState } from './swarm-state.ts'

/** @throws ShoalError `bad-input` for what cannot be read: the peer is hung up on. */
export function onMessage(s: SwarmState, peer: Peer, message: PeerMessage): void {
  switch (message.kind) {
    case 'choke': onChoke(s, peer); break
    case 'unchoke': onUnchoke(s, peer); break
    case 'interested': onInterested(s, peer); break
    case 'not-interested': onNotInterested(s, peer); break
    case 'have': onHave(s, peer, message.piece); break
    case 'bitfield': onBitfield(s, peer, message.bits); break
    case 'have-all': onPieces(s, peer, () => peer.has.setAll()); break
    case 'have-none': onPieces(s, peer, () => true); break
    case 'request': onRequest(s, peer, message); break
    case 'cancel': s.loaded?.uploader.cancelled(peer, message); break
    case 'reject': s.loaded?.downloader?.rejected(peer, message); break
    case 'extended': onExtended(s, peer, message.id, message.payload); break
    case 'suggest': onSuggest(s, peer, message.piece); break
    case 'keep-alive':
    case 'allowed-fast':
    case 'piece': // blocks do not come this way
    case 'unknown':
      break
    default: unreachable(message)
  }
} // prettier-ignore

function onRequest(s: SwarmState, peer: Peer, range: BlockRange): void {
  if (s.loaded?.uploader.requested(peer, range) === false) {
    peer.close()
    return
  }
  const piece = s.loaded?.layout.index(range.piece)
  if (piece !== undefined) onPeerAsked(s, peer, piece)
}

/** BEP 6: an origin shows it to us, and to nobody else. */
function onSuggest(s: SwarmState, peer: Peer, pieceNumber: number): void {
  const piece = s.loaded?.layout.index(pieceNumber)
  if (piece !== undefined && peer.source === 'origin') s.loaded?.downloader?.divided.hinted(peer, piece)
}

function onChoke(s: SwarmState, peer: Peer): void {
  if (peer.isChokingUs) return
  peer.isChokingUs = true
  peer.chokingUsSince = s.shared.clock.now()
  s.loaded?.downloader?.release(peer)
}

function onUnchoke(_s: SwarmState, peer: Peer): void {
  peer.isChokingUs = false
  peer.down.refused.clear()
  peer.down.isSnubbing = false
}

function onHave(s: SwarmState, peer: Peer, pieceNumber: number): void {
  const piece = s.loaded?.layout.index(pieceNumber)
  const wasThere = piece !== undefined && peer.has.has(piece)
  if (!peer.has.add(pieceNumber)) peer.close()
  if (peer.isClosed || piece === undefined || wasThere) return
  s.loaded?.downloader?.peerGot(peer, piece)
  onPeerGot(s, peer, piece)
  // A closed piece changes nothing: no look at all the others for each of 100,000 messages.
  if (!peer.areWeInterested && s.loaded?.closed.has(piece) !== true) updateInterest(s, peer)
}

/** BEP 3 wants it first and once; aria2 also sends one in mid-stream, in place of many `have`s. */
function onBitfield(s: SwarmState, peer: Peer, bits: Uint8Array): void {
  if (!peer.hasToldPieces && peer.has.count === 0) {
    onPieces(s, peer, () => peer.has.setBitfield(bits))
    return
  }
  if (s.loaded === undefined) {
    if (!peer.has.setBitfield(bits)) peer.close()
    return
  }
  const now = Bitfield.parse(bits, s.loaded.layout.count)
  if (now === undefined) peer.close()
  else for (const piece of now) if (!peer.has.has(piece)) onHave(s, peer, piece)
}

/** BEP 3 and BEP 6: said once, before anything else about pieces. */
function onPieces(s: SwarmState, peer: Peer, set: () => boolean): void {
  if (peer.hasToldPieces || peer.has.count > 0 || !set()) {
    peer.close()
    return
  }
  peer.hasToldPieces = true
  s.loaded?.downloader?.sources.came(peer)
  onPeerToldPieces(s, peer)
  updateInterest(s, peer)
}

function onExtended(s: SwarmState, peer: Peer, id: number, payload: Uint8Array): void {
  switch (id) {
    case EXTENSION_HANDSHAKE_ID: onExtensionHandshake(s, peer, payload); break
    case OUR_EXTENSION_IDS.ut_metadata: onMetadataMessage(s, peer, payload); break
    case OUR_EXTENSION_IDS.sh_peers: onExchangeMessage(s, peer, payload); break
    case OUR_EXTENSION_IDS.sh_hello: onHello(s, peer, payload); break
    case OUR_EXTENSION_IDS.sh_fetch: onFetch(s, peer, payload); break
    case OUR_EXTENSION_IDS.sh_unfetch: onUnfetch(s, peer, payload); break
    case OUR_EXTENSION_IDS.lt_donthave: onDontHave(s, peer, decodeDontHave(payload)); break
    default: break // never asked for
  }
} // prettier-ignore

function onExtensionHandshake(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  const theirs = decodeExtensionHandshake(payload)
  peer.extensionIds = theirs.ids
  if (theirs.client !== undefined) peer.client = theirs.client
  if (theirs.metadataBytes !== undefined) peer.metadataBytes = theirs.metadataBytes
  if (theirs.requestsInMax !== undefined) peer.requestsInMax = theirs.requestsInMax
  if (theirs.listenPort !== undefined) {
    peer.listenPort = theirs.listenPort
    placePeer(s, peer)
    revealAllIfOrigin(s, peer)
  } else considerMember(s, peer)
  leaveSiteTo(s, peer)
  s.metadata?.consider(peer)
  proveKey(s, peer)
}

function onMetadataMessage(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  const message = decodeMetadataMessage(payload)
  if (message.kind === 'request') giveMetadata(s, peer, message.piece)
  else s.metadata?.answered(peer, message)
}

function giveMetadata(s: SwarmState, peer: Peer, piece: number): void {
  const id = peer.extensionId('ut_metadata')
  if (id === undefined) return // it would not know what we mean
  const info = s.torrent?.infoBytes
  const start = piece * limits.metadataPieceBytes
  const isBusy = peer.connection.queuedBytes > limits.sendQueueBytesMax / 2
  if (info === undefined || start >= info.length || isBusy) {
    peer.send({ kind: 'extended', id, payload: encodeMetadataMessage({ kind: 'reject', piece }) })
    return
  }
  const bytes = info.subarray(start, start + limits.metadataPieceBytes)
  const data = encodeMetadataMessage({ kind: 'data', piece, totalBytes: info.length, bytes })
  peer.send({ kind: 'extended', id, payload: data })
}

function onDontHave(s: SwarmState, peer: Peer, pieceNumber: number): void {
  const piece = s.loaded?.layout.index(pieceNumber)
  const had = piece !== undefined && peer.has.has(piece)
  if (!peer.has.remove(pieceNumber)) peer.close()
  if (peer.isClosed || piece === undefined || !had) return
  s.reveal?.lost(peer, piece, s.shared.clock.now())
  s.loaded?.downloader?.sources.lost(peer, piece)
  // It may have been spared the word that we have it.
  if (s.loaded?.have.has(piece) === true && !isShaped(s, peer)) peer.send({ kind: 'have', piece })
  updateInterest(s, peer)
}
