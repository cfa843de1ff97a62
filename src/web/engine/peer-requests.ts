/** What colleagues are asked for, block by block: each block of one of them, in the order in which they are due. */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../../core/piece-layout.ts'
import { encodeBlockRanges } from '../../wire/peer-message.ts'
import type { PieceWork } from './piece-work.ts'
import type { Outstanding, ViewerPeer } from './viewer-peer.ts'

/** Under way at a peer: what it sends in so long, within these bounds. */
const PIPELINE_MS = 800
const PIPELINE_BYTES_MIN = 256 * 1_024
const PIPELINE_BYTES_MAX = 4 * 1_024 * 1_024
/** It was asked and has sent nothing for so long: others are asked... */
const SLOW_AFTER = 3_000
/** ...and it is not, for so long. */
const SLOW_FOR = 10_000

export class PeerRequests {
  readonly #layout: PieceLayout
  readonly #workOf: (piece: PieceIndex) => PieceWork | undefined

  constructor(layout: PieceLayout, workOf: (piece: PieceIndex) => PieceWork | undefined) {
    this.#layout = layout
    this.#workOf = workOf
  }

  /** Asks for the open blocks of the piece, each of whoever will be soonest; those for which nobody has room stay open. */
  ask(work: PieceWork, holders: readonly ViewerPeer[], now: number): void {
    const asked = new Map<ViewerPeer, number[]>()
    for (const block of work.open()) {
      const peer = soonest(holders, now)
      if (peer === undefined) break
      work.asked(block, peer)
      work.askedAt ??= now
      peer.waitingSince ??= now
      peer.outstanding.set(keyOf(work.piece, block), { piece: work.piece, block, at: now })
      asked.set(peer, [...(asked.get(peer) ?? []), block])
    }
    for (const [peer, blocks] of asked) {
      const ranges = blocks.map((block) => this.#layout.rangeOf(work.piece, block))
      peer.sendBytes(encodeBlockRanges('request', ranges), now)
    }
  }

  /** Whether one of them may be asked for more. */
  hasRoom(peers: readonly ViewerPeer[], now: number): boolean {
    return soonest(peers, now) !== undefined
  }

  /** A block arrived, or will not: false when it was not asked for. */
  settle(peer: ViewerPeer, piece: PieceIndex, block: number, now: number, didCome: boolean): boolean {
    if (!peer.outstanding.delete(keyOf(piece, block))) return false
    if (didCome) peer.waitingSince = peer.outstanding.size === 0 ? undefined : now
    else this.#workOf(piece)?.free(block, peer)
    return true
  }

  /** It sends none of what it was asked for: it choked us, or is gone. */
  dropped(peer: ViewerPeer): void {
    for (const { piece, block } of peer.outstanding.values()) {
      peer.lateBytes += this.#layout.blockBytes(piece, block)
      this.#workOf(piece)?.free(block, peer)
    }
    peer.outstanding.clear()
    peer.waitingSince = undefined
  }

  /** Takes back what is outside of what is wanted now, and what is waited for too long. */
  review(peer: ViewerPeer, isWanted: (piece: PieceIndex) => boolean, now: number): void {
    const isSlow = peer.waitingSince !== undefined && now - peer.waitingSince > SLOW_AFTER
    if (isSlow) peer.slowUntil = now + SLOW_FOR
    this.#takeBack(peer, (asked) => isSlow || !isWanted(asked.piece), now)
    if (isSlow) peer.waitingSince = undefined
  }

  #takeBack(peer: ViewerPeer, isOver: (asked: Outstanding) => boolean, now: number): void {
    const over = [...peer.outstanding].filter(([, asked]) => isOver(asked))
    if (over.length === 0) return
    for (const [key, { piece, block }] of over) {
      peer.outstanding.delete(key)
      peer.lateBytes += this.#layout.blockBytes(piece, block)
      this.#workOf(piece)?.free(block, peer)
    }
    const ranges = over.map(([, { piece, block }]) => this.#layout.rangeOf(piece, block))
    peer.sendBytes(encodeBlockRanges('cancel', ranges), now)
  }
}

const keyOf = (piece: PieceIndex, block: number): string => `${piece} ${block}`

/** Who will have sent all that it was asked for first; undefined when nobody has room. */
function soonest(peers: readonly ViewerPeer[], now: number): ViewerPeer | undefined {
  let best: ViewerPeer | undefined
  let bestWait = Infinity
  for (const peer of peers) {
    const bytes = peer.outstanding.size * BLOCK_BYTES
    const rate = peer.down.perSecond(now)
    const room = Math.min(PIPELINE_BYTES_MAX, Math.max(PIPELINE_BYTES_MIN, (rate * PIPELINE_MS) / 1_000))
    if (bytes >= room) continue
    const wait = (bytes + BLOCK_BYTES) / Math.max(rate, PIPELINE_BYTES_MIN)
    if (wait >= bestWait) continue
    best = peer
    bestWait = wait
  }
  return best
}
