import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  decodePeerMessage,
  encodeBlockRanges,
  encodePeerMessage,
  encodePieceHeader,
  mayHaveLength,
  MESSAGE_ID,
  type PeerMessage,
} from '../../src/wire/peer-message.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
const range = fc.tuple(u32, u32, u32).map(([piece, offset, length]) => ({ piece, offset, length }))
const knownIds = new Set<number>(Object.values(MESSAGE_ID))

const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc
    .constantFrom('choke', 'unchoke', 'interested', 'not-interested', 'have-all', 'have-none')
    .map((kind) => ({ kind })),
  fc.constant({ kind: 'keep-alive' } as const),
  fc.tuple(fc.constantFrom('have', 'suggest', 'allowed-fast'), u32).map(([kind, piece]) => ({ kind, piece })),
  fc.tuple(fc.constantFrom('request', 'cancel', 'reject'), range).map(([kind, r]) => ({ kind, ...r })),
  bytes(0, 64).map((bits) => ({ kind: 'bitfield', bits }) as const),
  fc
    .tuple(u32, u32, bytes(1, 64))
    .map(([piece, offset, block]) => ({ kind: 'piece', piece, offset, block }) as const),
  fc.tuple(fc.nat(255), bytes(0, 64)).map(([id, payload]) => ({ kind: 'extended', id, payload }) as const),
  fc
    .tuple(
      fc.nat(255).filter((id) => !knownIds.has(id)),
      bytes(0, 64),
    )
    .map(([id, payload]) => ({ kind: 'unknown', id, payload }) as const),
)

/** Views and Buffers compare by their bytes. */
const plain = (message: PeerMessage): unknown =>
  Object.fromEntries(Object.entries(message).map(([k, v]) => [k, v instanceof Uint8Array ? [...v] : v]))

describe('peer messages', () => {
  it('are read as they were written', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anyMessage, (message) => {
        seen.add(message.kind)
        const wire = Buffer.from(encodePeerMessage(message))
        assert.equal(wire.readUInt32BE(), wire.length - 4)
        assert.deepEqual(plain(decodePeerMessage(wire.subarray(4))), plain(message))
      }),
      { numRuns: Math.max(numRuns, 1_000) },
    )
    assert.equal(seen.size, Object.keys(MESSAGE_ID).length + 2, 'the generator makes every kind')
  })

  it('are refused, never misread, when the bytes are noise', () => {
    const noise = fc
      .tuple(fc.nat(25), fc.uint8Array({ maxLength: 40 }))
      .map(([id, rest]) => Uint8Array.of(id, ...rest))
    let read = 0
    fc.assert(
      fc.property(noise, (body) => {
        try {
          const message = decodePeerMessage(body)
          read++
          assert.deepEqual([...encodePeerMessage(message).subarray(4)], [...body])
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
      { numRuns: Math.max(numRuns, 1_000) },
    )
    assert.ok(read > 0)
  })

  it('may not be longer than their kind allows', () => {
    assert.ok(mayHaveLength(MESSAGE_ID.piece, 9 + limits.blockRequestBytesMax))
    assert.ok(!mayHaveLength(MESSAGE_ID.piece, 10 + limits.blockRequestBytesMax))
    assert.ok(!mayHaveLength(MESSAGE_ID.piece, 9))
    assert.ok(!mayHaveLength(MESSAGE_ID.have, 6))
    assert.ok(!mayHaveLength(MESSAGE_ID.extended, 64 * 1024))
    assert.ok(!mayHaveLength(99, limits.peerMessageBytesMax + 1))
  })

  it('come many in one buffer when they are requests', () => {
    const ranges = [
      { piece: 1, offset: 0, length: 16_384 },
      { piece: 0xffffffff, offset: 16_384, length: 5 },
    ]
    const one = ranges.map((r) => encodePeerMessage({ kind: 'request', ...r }))
    assert.deepEqual([...encodeBlockRanges('request', ranges)], [...Buffer.concat(one)])
  })

  it('have the header of a block before the block', () => {
    const block = Buffer.from('hello')
    const whole = encodePeerMessage({ kind: 'piece', piece: 7, offset: 16_384, block })
    assert.deepEqual([...whole], [...Buffer.concat([encodePieceHeader(7, 16_384, 5), block])])
  })
})
