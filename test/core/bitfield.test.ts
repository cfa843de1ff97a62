import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Bitfield } from '../../src/core/bitfield.ts'
import { type PieceIndex, PieceLayout } from '../../src/core/piece-layout.ts'

function indexOf(n: number, size: number): PieceIndex {
  const index = new PieceLayout(size, 1).index(n)
  assert.ok(index !== undefined)
  return index
}

function fieldOf(size: number, pieces: readonly number[]): Bitfield {
  const field = new Bitfield(size)
  for (const n of pieces) field.add(indexOf(n, size))
  return field
}

const sizeAndPieces = fc
  .integer({ min: 1, max: 70 })
  .chain((size) =>
    fc.tuple(fc.constant(size), fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: size })),
  )

describe('a bitfield', () => {
  it('begins with the high bit of the first byte (BEP 3)', () => {
    assert.deepEqual(fieldOf(10, [0, 7, 9]).toBytes(), Uint8Array.of(0b1000_0001, 0b0100_0000))
  })

  it('is read back from its bytes', () => {
    fc.assert(
      fc.property(sizeAndPieces, ([size, pieces]) => {
        const read = Bitfield.parse(fieldOf(size, pieces).toBytes(), size)
        assert.ok(read !== undefined)
        assert.deepEqual(
          [...read],
          pieces.toSorted((a, b) => a - b),
        )
        assert.equal(read.count, pieces.length)
        assert.equal(read.isFull, pieces.length === size)
      }),
    )
  })

  it('is refused when its length is wrong or a spare bit is set', () => {
    assert.equal(Bitfield.parse(new Uint8Array(1), 9), undefined)
    assert.equal(Bitfield.parse(new Uint8Array(3), 9), undefined)
    assert.equal(Bitfield.parse(Uint8Array.of(0, 0b0100_0000), 9), undefined)
    assert.notEqual(Bitfield.parse(Uint8Array.of(0, 0b1000_0000), 9), undefined)
    assert.notEqual(Bitfield.parse(Uint8Array.of(0xff), 8), undefined)
  })

  it('counts a piece once, however often it is added', () => {
    const field = new Bitfield(9)
    assert.ok(field.add(indexOf(8, 9)))
    assert.ok(!field.add(indexOf(8, 9)))
    assert.equal(field.count, 1)
    assert.ok(field.delete(indexOf(8, 9)))
    assert.ok(!field.delete(indexOf(8, 9)))
    assert.equal(field.count, 0)
  })

  it('is full with every piece and no spare bit', () => {
    const full = Bitfield.full(11)
    assert.ok(full.isFull)
    assert.notEqual(Bitfield.parse(full.toBytes(), 11), undefined)
  })

  it('lacks what another has and it has not', () => {
    const some = fieldOf(20, [1, 12])
    assert.ok(some.lacksSomeOf(fieldOf(20, [12, 13])))
    assert.ok(!some.lacksSomeOf(fieldOf(20, [12])))
    assert.ok(!Bitfield.full(20).lacksSomeOf(some))
  })

  it('shares nothing with its copies', () => {
    const field = fieldOf(8, [1])
    const copy = field.clone()
    copy.add(indexOf(2, 8))
    field.toBytes()[0] = 0xff
    assert.deepEqual([...field], [1])
    assert.deepEqual([...copy], [1, 2])
  })
})
