/** The downloader and the uploader of one torrent, tied to its state: what they ask for and what they find out. */
import { hash } from 'node:crypto'
import type { IpAddress } from '../core/address.ts'
import { pieceHashOf } from '../core/metainfo.ts'
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { Downloader } from './downloader.ts'
import type { LoadOutcome } from './piece-loader.ts'
import { onBlockSent } from './revealing.ts'
import type { PieceSource } from './piece-loader.ts'
import { makeSiteWork } from './site-talk.ts'
import { cacheKey, type Loaded, type SwarmState } from './swarm-state.ts'
import { Uploader } from './uploader.ts'

export function makeDownloader(s: SwarmState, layout: PieceLayout, open: Iterable<PieceIndex>): Downloader {
  const { clock, random, pool } = s.shared
  const site = makeSiteWork(s, layout)
  s.site = site
  return new Downloader(
    {
      clock,
      random,
      pool,
      limiter: s.limits.down,
      layout,
      site,
      deadlines: s.readers.deadlines,
      isGood: (piece, bytes) => isGood(s, piece, bytes),
      onVerified: (piece, bytes, givers) => s.post({ kind: 'piece-verified', piece, bytes, givers }),
      onSpoiled(_piece, bytes) {
        s.failedHashes++
        s.wastedBytes += bytes
      },
      onGuilty: (addresses) => punish(s, addresses),
      onWasted: (bytes) => (s.wastedBytes += bytes),
      unwrittenBytes: () => s.writing * layout.pieceLength,
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
    load: (piece) => void loadPiece(s, piece),
    onSent(peer, piece, bytes) {
      onBlockSent(s, peer, piece, bytes)
      s.uploadedBytes += bytes
      s.traffic.sent(peer.address, peer.source, bytes)
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

/** The torrent hears of the outcome, once; undefined while nothing is known of it. */
export function loadPiece(s: SwarmState, piece: PieceIndex): Promise<LoadOutcome> | undefined {
  const { loaded } = s
  const { loader } = s.shared
  if (loaded === undefined) return undefined
  const key = cacheKey(s, piece)
  const isUnderWay = loader.isLoading(key)
  const loading = loader.load(pieceSource(s, loaded, piece))
  if (!isUnderWay) void loading.then((outcome) => s.post({ kind: 'piece-loaded', piece, outcome }))
  return loading
}

/** Where the piece is read from, and what it must be. */
export function pieceSource(s: SwarmState, { layout, content }: Loaded, piece: PieceIndex): PieceSource {
  return {
    key: cacheKey(s, piece),
    piece,
    bytes: layout.pieceBytes(piece),
    content,
    isGood: (bytes) => isGood(s, piece, bytes),
  }
}
