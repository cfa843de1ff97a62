import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHashOfBytes, peerIdOfBytes } from '../../src/core/ids.ts'
import {
  decodeHandshake,
  encodeHandshake,
  HANDSHAKE_BYTES,
  mayBeHandshake,
} from '../../src/wire/handshake.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const twenty = fc.uint8Array({ minLength: 20, maxLength: 20 })

describe('the handshake', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(twenty, twenty, fc.boolean(), fc.boolean(), (hash, id, hasExtensions, hasFast) => {
        const handshake = {
          infoHash: infoHashOfBytes(hash),
          peerId: peerIdOfBytes(id),
          hasExtensions,
          hasFast,
        }
        const bytes = encodeHandshake(handshake)
        assert.equal(bytes.length, HANDSHAKE_BYTES)
        assert.deepEqual(decodeHandshake(bytes), handshake)
        for (let n = 0; n <= bytes.length; n++) assert.ok(mayBeHandshake(bytes.subarray(0, n)))
      }),
      { numRuns },
    )
  })

  it('is the one of BEP 3, with the bits of BEP 6 and BEP 10', () => {
    const zeros = new Uint8Array(20)
    const bytes = encodeHandshake({
      infoHash: infoHashOfBytes(zeros),
      peerId: peerIdOfBytes(zeros),
      hasExtensions: true,
      hasFast: true,
    })
    assert.equal(Buffer.from(bytes).toString('latin1', 0, 20), '\x13BitTorrent protocol')
    assert.deepEqual([...bytes.subarray(20, 28)], [0, 0, 0, 0, 0, 0x10, 0, 0x04])
  })

  it('is refused when it is noise, cut, too long or of another protocol', () => {
    const refused = (bytes: Uint8Array): void =>
      assert.throws(
        () => decodeHandshake(bytes),
        (error) => error instanceof ShoalError && error.code === 'bad-input',
      )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => refused(noise)),
      { numRuns },
    )
    const zeros = new Uint8Array(20)
    const good = encodeHandshake({
      infoHash: infoHashOfBytes(zeros),
      peerId: peerIdOfBytes(zeros),
      hasExtensions: false,
      hasFast: false,
    })
    refused(good.subarray(0, 67))
    refused(Buffer.concat([good, new Uint8Array(1)]))
    refused(new Uint8Array(96))
    assert.ok(!mayBeHandshake(Uint8Array.of(0x16)), 'TLS is known for what it is by its first byte')
  })
})
