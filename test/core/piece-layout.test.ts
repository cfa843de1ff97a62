import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  BLOCK_BYTES,
  FileLayout,
  PIECE_LENGTH_MAX,
  PIECE_LENGTH_MIN,
  pieceLengthFor,
  PieceLayout,
} from '../../src/core/piece-layout.ts'
import { GiB, KiB, MiB } from '../../src/core/units.ts'

describe('the piece length', () => {
  it('is a power of two between 16 KiB and 16 MiB for every size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (sizeBytes) => {
        const length = pieceLengthFor(sizeBytes)
        assert.ok(length >= PIECE_LENGTH_MIN && length <= PIECE_LENGTH_MAX)
        assert.ok(Number.isInteger(Math.log2(length)))
      }),
    )
  })

  it('gives about 2,000 pieces where it can', () => {
    for (const sizeBytes of [100 * MiB, GiB, 10 * GiB]) {
      const count = sizeBytes / pieceLengthFor(sizeBytes)
      assert.ok(count > 1_000 && count <= 3_000, `${count} pieces`)
    }
    assert.equal(pieceLengthFor(1), 16 * KiB)
    assert.equal(pieceLengthFor(1_000 * GiB), 16 * MiB)
  })
})

describe('a piece layout', () => {
  const layout = new PieceLayout(100 * KiB + 1, 32 * KiB)

  it('counts a last piece that is not full', () => {
    assert.equal(layout.count, 4)
    assert.deepEqual(
      [...layout.indices()].map((piece) => layout.pieceBytes(piece)),
      [32 * KiB, 32 * KiB, 32 * KiB, 4 * KiB + 1],
    )
  })

  it('vouches for no index that is not there', () => {
    assert.equal(layout.index(3), 3)
    for (const n of [-1, 4, 0.5, NaN, Infinity, 2 ** 31]) assert.equal(layout.index(n), undefined)
  })

  it('cuts pieces into blocks of 16 KiB and a rest', () => {
    const last = layout.index(3)
    const first = layout.index(0)
    assert.ok(last !== undefined && first !== undefined)
    assert.equal(layout.blockCount(first), 2)
    assert.equal(layout.blockBytes(first, 1), BLOCK_BYTES)
    assert.equal(layout.blockCount(last), 1)
    assert.equal(layout.blockBytes(last, 0), 4 * KiB + 1)
    assert.equal(layout.blockBytes(last, 1), 0)
  })

  it('holds only stretches that are within the piece and not empty', () => {
    const last = layout.index(3)
    assert.ok(last !== undefined)
    assert.ok(layout.holds(last, 0, 4 * KiB + 1))
    assert.ok(!layout.holds(last, 0, 4 * KiB + 2))
    assert.ok(!layout.holds(last, 4 * KiB + 1, 1))
    assert.ok(!layout.holds(last, 0, 0))
    assert.ok(!layout.holds(last, -1, 1))
  })

  it('has blocks that add up to the whole', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 3 * MiB }), fc.integer({ min: 0, max: 5 }))
    fc.assert(
      fc.property(sizes, ([sizeBytes, power]) => {
        const any = new PieceLayout(sizeBytes, PIECE_LENGTH_MIN * 2 ** power)
        let total = 0
        for (const piece of any.indices())
          for (let block = 0; block < any.blockCount(piece); block++) total += any.blockBytes(piece, block)
        assert.equal(total, sizeBytes)
      }),
    )
  })
})

describe('a file layout', () => {
  const fileSizes = fc
    .array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 * KiB })), { minLength: 1, maxLength: 12 })
    .filter((sizes) => sizes.some((size) => size > 0))

  it('has spans that cover every file once, in order', () => {
    fc.assert(
      fc.property(fileSizes, (sizes) => {
        const total = sizes.reduce((sum, size) => sum + size, 0)
        const layout = new PieceLayout(total, PIECE_LENGTH_MIN)
        const files = new FileLayout(layout, sizes)
        const reached = sizes.map(() => 0)
        for (const piece of layout.indices()) {
          let inPiece = 0
          for (const span of files.spansOf(piece)) {
            assert.equal(span.fileOffset, reached[span.file])
            assert.equal(span.pieceOffset, inPiece)
            assert.ok(span.length > 0)
            inPiece += span.length
            reached[span.file] = span.fileOffset + span.length
          }
          assert.equal(inPiece, layout.pieceBytes(piece))
        }
        assert.deepEqual(reached, sizes)
      }),
    )
  })

  it('knows which pieces a file touches', () => {
    fc.assert(
      fc.property(fileSizes, (sizes) => {
        const layout = new PieceLayout(
          sizes.reduce((sum, size) => sum + size, 0),
          PIECE_LENGTH_MIN,
        )
        const files = new FileLayout(layout, sizes)
        sizes.forEach((size, file) => {
          const touched = [...layout.indices()].filter((piece) =>
            files.spansOf(piece).some((span) => span.file === file),
          )
          const expected = size === 0 ? undefined : { first: touched[0], last: touched.at(-1) }
          assert.deepEqual(files.piecesOf(file), expected)
        })
      }),
    )
  })

  it('cuts any part of a file where pieces end', () => {
    const part = fc.tuple(fc.nat(300 * KiB), fc.nat(300 * KiB))
    fc.assert(
      fc.property(fileSizes, fc.nat(13), part, (sizes, file, [from, end]) => {
        const layout = new PieceLayout(
          sizes.reduce((sum, size) => sum + size, 0),
          PIECE_LENGTH_MIN,
        )
        const files = new FileLayout(layout, sizes)
        const start = sizes.slice(0, file).reduce((sum, size) => sum + size, 0)
        let at = from
        for (let next = files.stretchOf(file, at, end); next; next = files.stretchOf(file, at, end)) {
          assert.equal(layout.pieceStart(next.piece) + next.offset, start + at)
          assert.ok(layout.holds(next.piece, next.offset, next.length))
          at += next.length
          const isCut = next.offset + next.length === layout.pieceBytes(next.piece)
          assert.ok(isCut || at === Math.min(end, sizes[file] ?? 0))
        }
        assert.equal(at, Math.max(from, Math.min(end, sizes[file] ?? 0)))
      }),
    )
    const layout = new PieceLayout(100, PIECE_LENGTH_MIN)
    assert.equal(new FileLayout(layout, [50, 50]).stretchOf(1, -1, 5), undefined)
  })

  it('knows no pieces of a file that is not there', () => {
    const layout = new PieceLayout(1, PIECE_LENGTH_MIN)
    assert.equal(new FileLayout(layout, [1]).piecesOf(7), undefined)
  })
})
