/** Which piece to show to a host that is fed by us whatever its site does: one that is rare, here and everywhere. */
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { Random } from '../../core/random.ts'
import type { Host, RevealPeer } from './host.ts'
import type { PieceLedger } from './piece-ledger.ts'

/** Looked at before the rarest of them is taken: the rarest of all would cost a look at every piece each time. */
const CANDIDATES = 16

export function rarestFor<P extends RevealPeer>(
  host: Host<P>,
  ledger: PieceLedger<Host<P>>,
  random: Random,
  suits: (piece: PieceIndex) => boolean = () => true,
): PieceIndex | undefined {
  if (host.unseen === 0) return undefined
  const start = Math.floor(random() * ledger.pieces)
  let best: PieceIndex | undefined
  let bestScore = Infinity
  let seen = 0
  for (let i = 0; i < ledger.pieces && seen < CANDIDATES; i++) {
    const piece = ((start + i) % ledger.pieces) as PieceIndex
    if (!host.mayBeShown(piece) || ledger.isGone(piece) || !suits(piece)) continue
    seen++
    const given = ledger.holderOf(piece) === undefined ? 0 : 1
    const score = 4 * host.site.copiesOf(piece) + 2 * ledger.copiesOf(piece) + given
    if (score >= bestScore) continue
    best = piece
    bestScore = score
  }
  return best
}
