/** The small parts of the engine that keep state. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import { Bitfield } from '../../src/core/bitfield.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash } from '../../src/core/ids.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { millis, seconds } from '../../src/core/units.ts'
import { Bans } from '../../src/swarm/bans.ts'
import { Blame } from '../../src/swarm/blame.ts'
import { BufferPool } from '../../src/swarm/buffer-pool.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import { PeerPieces } from '../../src/swarm/peer-pieces.ts'
import { PieceCache } from '../../src/swarm/piece-cache.ts'
import { RateMeter } from '../../src/swarm/rate-meter.ts'
import { RecentKeys } from '../../src/swarm/recent-keys.ts'
import { decodeState, encodeState } from '../../src/swarm/resume-state.ts'
import { SentPins } from '../../src/swarm/sent-pins.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { ManualClock } from '../support/manual-clock.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const A = ipAddress('10.0.0.1')
const B = ipAddress('10.0.0.2')
const first = 0 as PieceIndex

describe('the message reader', () => {
  function readAll(chunks: readonly Uint8Array[]): { messages: unknown[]; blocks: unknown[] } {
    const messages: unknown[] = []
    const blocks: unknown[] = []
    let room = new Uint8Array(0)
    let head: number[] = []
    const reader = new MessageReader({
      onMessage: (message) => messages.push(structuredClone(message)),
      onBlockBegin(piece, offset, length) {
        head = [piece, offset]
        room = new Uint8Array(length)
        return room
      },
      onBlockEnd: () => blocks.push([...head, ...room]),
    })
    for (const chunk of chunks) {
      const lent = new Uint8Array(chunk)
      reader.push(lent)
      lent.fill(0xee)
    }
    return { messages, blocks }
  }

  it('reads the same messages however the stream is cut', () => {
    const sent: PeerMessage[] = [
      { kind: 'keep-alive' },
      { kind: 'bitfield', bits: new Uint8Array(300).fill(7) },
      { kind: 'piece', piece: 3, offset: 16_384, block: new Uint8Array(100).fill(5) },
      { kind: 'unknown', id: 99, payload: new Uint8Array(50) },
      { kind: 'have', piece: 8 },
      { kind: 'piece', piece: 4, offset: 0, block: Uint8Array.of(1) },
      { kind: 'extended', id: 0, payload: Buffer.from('de') },
      { kind: 'unchoke' },
    ]
    const stream = Buffer.concat(sent.map(encodePeerMessage))
    const expected = readAll([stream])
    assert.equal(expected.messages.length, 5, 'unknown ones are skipped')
    assert.equal(expected.blocks.length, 2)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const chunks: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1
          chunks.push(stream.subarray(at, at + size))
          at += size
        }
        assert.deepEqual(readAll(chunks), expected)
      }),
      { numRuns },
    )
  })

  it('refuses or reads noise, and never asks for more room than a block', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          readAll([noise])
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
      { numRuns },
    )
    for (const length of [0x80000000, 0xffffffff, limits.peerMessageBytesMax + 1]) {
      const bytes = Buffer.alloc(5)
      bytes.writeUInt32BE(length)
      assert.throws(() => readAll([bytes]), ShoalError)
    }
  })
})

describe('keys that are remembered for a while', () => {
  it('are never more than so many: the oldest is forgotten', () => {
    const keys = new RecentKeys(3)
    for (const key of [1, 2, 3, 2, 4]) keys.add(key)
    assert.equal(keys.size, 3)
    assert.deepEqual(
      [1, 2, 3, 4, 4].map((key) => keys.delete(key)),
      [false, true, true, true, false],
    )
  })
})

describe('the piece cache', () => {
  it('forgets what was used least recently, by bytes', () => {
    const cache = new PieceCache(new BufferPool(0), 300)
    for (const key of ['a', 'b', 'c']) cache.put(key, new Uint8Array(100))
    cache.get('a')
    cache.put('d', new Uint8Array(100))
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => cache.has(key)),
      [true, false, true, true],
    )
  })

  it('does not give memory away before the last byte of it has left', () => {
    const pool = new BufferPool(1_000)
    const cache = new PieceCache(pool, 1_000)
    const bytes = new Uint8Array(100)
    const piece = cache.put('a', bytes)
    const pins = new SentPins(cache)
    pins.wrote(13)
    pins.wrotePiece(piece, 50)
    pins.wrotePiece(piece, 50)
    cache.drop('a')
    assert.notEqual(pool.acquire(100), bytes)
    pins.release(1)
    assert.notEqual(pool.acquire(100), bytes)
    pins.release(0)
    assert.equal(pool.acquire(100), bytes)
  })
})

describe('blame', () => {
  const good = new Uint8Array(32_768).fill(1)
  const bad = new Uint8Array(good)
  bad[20_000] = 9

  it('is clear when one peer gave the whole piece', () => {
    const blame = new Blame()
    assert.deepEqual(blame.failed(first, bad, [A, A]), [A])
    assert.ok(!blame.isSuspect(first))
  })

  it('waits for the good piece when several gave blocks, and then finds who gave the other ones', () => {
    const blame = new Blame()
    assert.deepEqual(blame.failed(first, bad, [A, B]), [])
    assert.ok(blame.isSuspect(first))
    assert.deepEqual(blame.verified(first, good), [B])
    assert.ok(!blame.isSuspect(first))
    assert.deepEqual(blame.verified(first, good), [])
  })

  it('bans after its strikes, once', () => {
    const bans = new Bans()
    const strikes = Array.from({ length: limits.hashStrikesMax + 1 }, () => bans.strike(A))
    assert.equal(strikes.filter(Boolean).length, 1)
    assert.ok(bans.has(A) && !bans.has(B))
  })
})

describe('what a peer has', () => {
  it('is kept while nobody knows how many pieces there are, and judged when it is known', () => {
    const early = new PeerPieces(undefined)
    assert.ok(early.setBitfield(Uint8Array.of(0b1000_0000)))
    assert.ok(early.add(2))
    assert.ok(early.setSize(3))
    assert.deepEqual([early.count, early.has(first), early.isFull], [2, true, false])
    const liar = new PeerPieces(undefined)
    assert.ok(liar.add(100))
    assert.ok(!liar.setSize(3))
    const all = new PeerPieces(undefined)
    all.setAll()
    assert.ok(all.setSize(3) && all.isFull && all.count === 3)
  })

  it('is bounded, and refuses pieces that do not exist', () => {
    assert.ok(!new PeerPieces(undefined).add(0xffffffff))
    assert.ok(!new PeerPieces(undefined).setBitfield(new Uint8Array(1_000_000)))
    assert.ok(!new PeerPieces(8).add(8))
    assert.ok(!new PeerPieces(7).setBitfield(Uint8Array.of(0xff)))
  })

  it('can be taken back, from a full peer as well', () => {
    const has = new PeerPieces(3)
    has.setAll()
    assert.ok(has.remove(1))
    assert.deepEqual([has.isFull, has.count, has.has(1 as PieceIndex)], [false, 2, false])
  })
})

describe('rates', () => {
  it('are measured from the first second on, and forgotten', () => {
    const clock = new ManualClock()
    const meter = new RateMeter()
    for (let i = 0; i < 100; i++) {
      meter.add(1_000, clock.now())
      clock.advance(millis(10))
    }
    const rate = meter.rate(clock.now())
    assert.ok(rate > 90_000 && rate < 115_000, String(rate))
    clock.advance(seconds(30))
    assert.ok(meter.rate(clock.now()) < 100)
  })
})

describe('the state of a download', () => {
  const hash = infoHash('ab'.repeat(20))
  const expected = { infoHash: hash, folder: '/f', pieces: 10, files: 2 }
  const done = new Bitfield(10)
  done.add(first)
  const stamps = [{ sizeBytes: 5, mtimeNs: '123456789012345678' }, undefined]
  const ours = [true, true]
  const about = { infoHash: hash, folder: '/f', done, stamps, bootId: 'boot', isSynced: true }
  const bytes = encodeState({ ...about, ours })

  it('is read as it was written', () => {
    const state = decodeState(bytes, expected)
    assert.deepEqual([state?.stamps, state?.bootId, state?.isSynced], [stamps, 'boot', true])
    assert.deepEqual([...(state?.done ?? [])], [0])
    assert.deepEqual(state?.ours, ours)
    assert.deepEqual(decodeState(encodeState({ ...about, ours: [true, false] }), expected)?.ours, [
      true,
      false,
    ])
  })

  it('says nothing about another torrent, another folder or another shape, nor when it is damaged', () => {
    for (const other of [
      { infoHash: infoHash('cd'.repeat(20)) },
      { folder: '/g' },
      { pieces: 20 },
      { files: 3 },
    ])
      assert.equal(decodeState(bytes, { ...expected, ...other }), undefined)
    for (const text of ['', '{', 'null', '[]', '{"version":1}', '7'])
      assert.equal(decodeState(Buffer.from(text), expected), undefined)
    assert.equal(decodeState(bytes.subarray(0, bytes.length / 2), expected), undefined)
  })
})
