import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHashOfBytes, peerIdOfBytes } from '../../src/core/ids.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodeOpening, type Opening, OPENING_BYTES_MAX, readOpening } from '../../src/wire/opening.ts'

const someOpening: fc.Arbitrary<Opening> = fc
  .tuple(
    fc.uint8Array({ minLength: 20, maxLength: 20 }),
    fc.uint8Array({ minLength: 20, maxLength: 20 }),
    fc.boolean(),
    fc.string({ unit: fc.constantFrom('A', 'z', '0', '-', '_', '.'), maxLength: limits.permitCharsMax }),
  )
  .map(([hash, id, hasFast, permit]) => ({
    handshake: { infoHash: infoHashOfBytes(hash), peerId: peerIdOfBytes(id), hasExtensions: true, hasFast },
    permit,
  }))

describe('what two of our clients say first inside TLS', () => {
  it('round-trips, and leaves alone what comes behind it', () => {
    fc.assert(
      fc.property(someOpening, fc.uint8Array(), (opening, more) => {
        const bytes = encodeOpening(opening)
        assert.ok(bytes.length <= OPENING_BYTES_MAX)
        assert.deepEqual(readOpening(Buffer.concat([bytes, more])), { opening, length: bytes.length })
      }),
    )
  })

  it('is waited for while it is not whole', () => {
    fc.assert(
      fc.property(someOpening, fc.nat(), (opening, cut) => {
        const bytes = encodeOpening(opening)
        assert.equal(readOpening(bytes.subarray(0, cut % bytes.length)), undefined)
      }),
    )
  })

  it('is refused, never misread, when bytes of it are changed', () => {
    fc.assert(
      fc.property(someOpening, fc.nat(), fc.nat(255), (opening, at, value) => {
        const bytes = new Uint8Array(encodeOpening(opening))
        bytes[at % bytes.length] = value
        try {
          const read = readOpening(bytes)
          if (read === undefined) return
          const again = readOpening(encodeOpening(read.opening))
          assert.deepEqual(again, read)
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
    )
  })

  it('is refused at once when a plain message follows the handshake, or a length that no permit has', () => {
    const good = encodeOpening({ handshake: HANDSHAKE, permit: 'abc' })
    const wrong = (at: number, value: number): Uint8Array => {
      const bytes = new Uint8Array(good)
      bytes[at] = value
      return bytes
    }
    for (const bytes of [
      wrong(68, 0xff),
      wrong(70, 9),
      wrong(71, 1),
      wrong(72, 5),
      wrong(73, 0),
      wrong(74, 10),
    ])
      assert.throws(() => readOpening(bytes), { code: 'bad-input' })
    const mute = encodeOpening({ handshake: { ...HANDSHAKE, hasExtensions: false }, permit: '' })
    assert.throws(() => readOpening(mute), { code: 'bad-input' })
  })
})

const HANDSHAKE = {
  infoHash: infoHashOfBytes(new Uint8Array(20)),
  peerId: peerIdOfBytes(new Uint8Array(20)),
  hasExtensions: true,
  hasFast: true,
}
