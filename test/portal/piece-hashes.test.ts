/** The hashes that a page which plays is given: read once for all who ask, and never while everybody else waits. */
import assert from 'node:assert/strict'
import { encodeInfo, hashOf } from '../../src/wire/torrent.ts'
import { PieceHashes } from '../../src/portal/watching/piece-hashes.ts'
import { limits } from '../../src/wire/limits.ts'

const PIECE = 16 * 1_024

function infoOf(files: number): { readonly infoBytes: Uint8Array; readonly pieces: Uint8Array } {
  const pieces = Buffer.alloc(20 * files, 'shoal')
  const listed = Array.from({ length: files }, (_, i) => ({ path: `a/${i}`, sizeBytes: PIECE }))
  const shape = { name: 'course', pieceLength: PIECE, isSingleFile: false, isPrivate: true }
  return { infoBytes: encodeInfo({ ...shape, pieces, files: listed }), pieces }
}

describe('Hashes of the pieces of what is watched', () => {
  it('are read once for all who ask at the same moment', async () => {
    const { infoBytes, pieces } = infoOf(3)
    let reads = 0
    const hashes = new PieceHashes({
      catalogue: {
        infoBytes: () => {
          reads++
          return Promise.resolve(infoBytes)
        },
      },
    })
    const infohash = hashOf(infoBytes)
    for (const had of await Promise.all([1, 2, 3].map(() => hashes.of(infohash)))) assert.deepEqual(had, new Uint8Array(pieces)) // prettier-ignore
    await hashes.of(infohash)
    assert.equal(reads, 1)
  })

  it('are read on a thread aside where the description is large', async () => {
    const { infoBytes, pieces } = infoOf(10_000)
    assert.ok(infoBytes.length > limits.torrentBytesAtOnceMax)
    const hashes = new PieceHashes({ catalogue: { infoBytes: () => Promise.resolve(infoBytes) } })
    const infohash = hashOf(infoBytes)
    let turns = 0
    const turn = (): void => {
      turns++
      going = setImmediate(turn)
    }
    let going = setImmediate(turn)
    const had = await hashes.of(infohash)
    clearImmediate(going)
    assert.deepEqual(had, new Uint8Array(pieces))
    assert.ok(turns > 10, `everybody else had ${turns} turns meanwhile`)
  })

  it('are none of a release that is not there, and are asked for again', async () => {
    const { infoBytes } = infoOf(1)
    let isThere = false
    const hashes = new PieceHashes({
      catalogue: { infoBytes: () => Promise.resolve(isThere ? infoBytes : undefined) },
    })
    assert.equal(await hashes.of(hashOf(infoBytes)), undefined)
    isThere = true
    assert.equal((await hashes.of(hashOf(infoBytes)))?.length, 20)
  })
})
