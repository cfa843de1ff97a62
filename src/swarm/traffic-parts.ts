/** The downloader and the uploader of one torrent, tied to its state: what they ask for and what they find out. */
import { hash } from 'node:crypto'
import type { IpAddress } from '../core/address.ts'
import { pieceHashOf } from '../core/metainfo.ts'
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { Downloader } from './downloader.ts'
import { onBlockSent } from './revealing.ts'
import { cacheKey, type SwarmState } from './swarm-state.ts'
import { Uploader } from './uploader.ts'

export function makeDownloader(s: SwarmState, layout: PieceLayout, open: Iterable<PieceIndex>): Downloader {
  const { clock, random, pool } = s.shared
  return new Downloader(
    {
      clock,
      random,
      pool,
      limiter: s.limits.down,
      layout,
      isGood: (piece, bytes) => isGood(s, piece, bytes),
      onVerified: (piece, bytes, givers) => s.post({ kind: 'piece-verified', piece, bytes, givers }),
      onSpoiled(_piece, bytes) {
        s.failedHashes++
        s.wastedBytes += bytes
      },
      onGuilty: (addresses) => punish(s, addresses),
      onWasted: (bytes) => (s.wastedBytes += bytes),
      onFreed: () => (s.needsFill = true),
    },
    open,
  )
}

export function makeUploader(s: SwarmState, layout: PieceLayout): Uploader {
  const { clock, cache, budget } = s.shared
  return new Uploader({
    clock,
    cache,
    limiter: s.limits.up,
    budget,
    layout,
    keyOf: (piece) => cacheKey(s, piece),
    mayServe: (piece) => s.loaded?.have.has(piece) === true,
    load: (piece) => loadPiece(s, piece),
    onSent(peer, piece, bytes) {
      onBlockSent(s, peer, piece, bytes)
      s.uploadedBytes += bytes
      s.meterUp.add(bytes, clock.now())
    },
  })
}

function isGood(s: SwarmState, piece: PieceIndex, bytes: Uint8Array): boolean {
  return (
    s.torrent !== undefined && hash('sha1', bytes, 'buffer').equals(pieceHashOf(s.torrent.metainfo, piece))
  )
}

export function punish(s: SwarmState, addresses: readonly IpAddress[]): void {
  for (const address of addresses) {
    if (!s.shared.bans.strike(address)) continue
    s.emit({ kind: 'peer-banned', address, reason: 'it sent pieces that failed their hash' })
    for (const peer of [...s.peers.values()]) if (peer.address === address) peer.close()
  }
}

function loadPiece(s: SwarmState, piece: PieceIndex): void {
  const { loaded } = s
  const key = cacheKey(s, piece)
  if (loaded === undefined || s.shared.loader.isLoading(key)) return
  void s.shared.loader
    .load({
      key,
      piece,
      bytes: loaded.layout.pieceBytes(piece),
      content: loaded.content,
      isGood: (bytes) => isGood(s, piece, bytes),
    })
    .then((outcome) => s.post({ kind: 'piece-loaded', piece, outcome }))
}
