import assert from 'node:assert/strict'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { Peer } from '../../src/swarm/peer.ts'
import { PeerPieces } from '../../src/swarm/peer-pieces.ts'
import { findPiece } from '../../src/swarm/piece-search.ts'
import { RarityIndex } from '../../src/swarm/rarity-index.ts'

const PIECES = 20_000

describe('the search for a piece', () => {
  function search(
    held: readonly number[],
    { isCounted, suits = () => true }: { isCounted: boolean; suits?: (piece: PieceIndex) => boolean },
  ): PieceIndex | undefined {
    const index = new RarityIndex(PIECES)
    for (let piece = 0; piece < PIECES; piece++) index.add(piece as PieceIndex)
    const has = new PeerPieces(PIECES)
    for (const piece of held) {
      has.add(piece)
      if (isCounted) index.increment(piece as PieceIndex)
    }
    const how = { peer: { has } as Peer, isCounted, looksMax: 4_096, random: seededRandom(1) }
    return findPiece(index, how, (piece) => has.has(piece) && suits(piece))
  }

  it('finds the few pieces of a peer among all that nobody has', () => {
    for (const isCounted of [true, false]) {
      const found = search([17, 4_711, 12_345, 19_999], { isCounted })
      assert.ok([17, 4_711, 12_345, 19_999].includes(found ?? -1), String(found))
      assert.equal(search([17, 4_711], { isCounted, suits: (piece) => piece === 4_711 }), 4_711)
      assert.equal(search([], { isCounted }), undefined)
    }
  })

  it('finds the many pieces of a counted peer without a look at those that it lacks', () => {
    const held = Array.from({ length: 5_000 }, (_, i) => 15_000 + i)
    assert.ok((search(held, { isCounted: true }) ?? 0) >= 15_000)
  })
})
