/** Parts of pieces for somebody who is no peer: by the same way, and as surely hashed before, as what peers are sent. */
import { loadPiece } from './traffic-parts.ts'
import { cacheKey, type SwarmState } from './swarm-state.ts'
import { open } from './torrent-life.ts'
import type { PieceIndex } from '../core/piece-layout.ts'

export interface PiecePart {
  readonly piece: number
  /** From where in the piece, in bytes. */
  readonly offset: number
  readonly length: number
}

/**
 * Undefined when it cannot be had, or `gone` is aborted before; what is wrong on the disk is told as if a peer had
 * asked.
 */
export async function readVerified(
  s: SwarmState,
  of: PiecePart,
  gone?: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (s.phase === 'asleep' && s.torrent !== undefined) open(s, s.torrent)
  const { signal } = s.aborter
  try {
    await s.reading.spend(of.length, gone === undefined ? signal : AbortSignal.any([signal, gone]))
  } catch {
    return undefined // the torrent was stopped, or nobody waits any more
  }
  const bytes = await verified(s, of)
  if (bytes === undefined) s.reading.giveBack(of.length)
  return bytes
}

async function verified(s: SwarmState, of: PiecePart): Promise<Uint8Array | undefined> {
  const piece = s.loaded?.layout.index(of.piece)
  if (piece === undefined || !mayBeRead(s, piece, of)) return undefined
  const bytes = copyOf(s, piece, of)
  if (bytes !== undefined) return bytes
  const outcome = await loadPiece(s, piece)
  return outcome?.kind === 'loaded' ? copyOf(s, piece, of) : undefined
}

function mayBeRead(s: SwarmState, piece: PieceIndex, { offset, length }: PiecePart): boolean {
  const { loaded } = s
  if (s.phase === 'stopped' || loaded === undefined) return false
  return loaded.have.has(piece) && loaded.layout.holds(piece, offset, length)
}

/** A copy, since the memory of a piece is used again for others. */
function copyOf(s: SwarmState, piece: PieceIndex, { offset, length }: PiecePart): Uint8Array | undefined {
  const cached = s.shared.cache.get(cacheKey(s, piece))
  return cached === undefined ? undefined : new Uint8Array(cached.bytes.subarray(offset, offset + length))
}
