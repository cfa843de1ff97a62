import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import { millis } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  decodeFetch,
  decodeHello,
  decodeUnfetch,
  encodeFetch,
  encodeHello,
  encodeUnfetch,
  rankScore,
  rankSeed,
} from '../../src/wire/site-messages.ts'

const anyPeerId = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(peerIdOfBytes)
const anyPiece = fc.nat(0xffffffff)

describe('what clients of one site tell each other', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(anyPeerId, { maxLength: limits.siteMembersMax }), (ids) => {
        assert.deepEqual(decodeHello(encodeHello(ids)), ids)
      }),
    )
    fc.assert(
      fc.property(anyPiece, fc.integer({ min: 1, max: limits.fetchLeaseMax }), (piece, lease) => {
        const notice = { piece, lease: millis(lease) }
        assert.deepEqual(decodeFetch(encodeFetch(notice)), notice)
        assert.equal(decodeUnfetch(encodeUnfetch(piece)), piece)
      }),
    )
  })

  it('is refused with a sentence when it is anything else', () => {
    const decoders = [decodeHello, decodeFetch, decodeUnfetch]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...decoders), (noise, decode) => {
        try {
          decode(noise)
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
    )
    const refused: readonly (() => unknown)[] = [
      () => decodeHello(new Uint8Array(19)),
      () => decodeHello(new Uint8Array(20 * (limits.siteMembersMax + 1))),
      () => decodeFetch(new Uint8Array(7)),
      () => decodeFetch(new Uint8Array(8)),
      () => decodeFetch(encodeFetch({ piece: 0, lease: millis(limits.fetchLeaseMax + 1) })),
      () => decodeUnfetch(new Uint8Array(5)),
    ]
    for (const read of refused) assert.throws(read, ShoalError)
  })

  it('ranks as every version of ours has to: these figures never change', () => {
    const id = peerIdOfBytes(Buffer.from('-SH0100-abcdefghijkl', 'latin1'))
    assert.equal(rankSeed(id), 2_742_098_263)
    assert.deepEqual(
      [0, 1, 2, 4_294_967_295].map((piece) => rankScore(rankSeed(id), piece)),
      [3_123_306_872, 53_491_314, 3_243_138_048, 3_062_055_911],
    )
  })

  it('gives each of a site about the same share of the pieces', () => {
    const seeds = Array.from({ length: 8 }, (_, i) =>
      rankSeed(peerIdOfBytes(Buffer.from(`-SH0100-${String(i).padStart(12, 'x')}`, 'latin1'))),
    )
    const shares = new Array<number>(seeds.length).fill(0)
    for (let piece = 0; piece < 8_000; piece++) {
      const scores = seeds.map((seed) => rankScore(seed, piece))
      const first = scores.indexOf(Math.max(...scores))
      shares[first] = (shares[first] ?? 0) + 1
    }
    for (const share of shares) assert.ok(share > 850 && share < 1_150, shares.join(' '))
  })
})
