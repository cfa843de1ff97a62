import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash } from '../../src/core/ids.ts'
import {
  bytesOfSwarmKey,
  isSameProof,
  NONCE_BYTES,
  PROOF_BYTES,
  type ProofSubject,
  proofOf,
  swarmKey,
  swarmKeyOfBytes,
} from '../../src/wire/swarm-key.ts'

const key = swarmKey('5a'.repeat(32))
const nonce = (n: number): Uint8Array => new Uint8Array(NONCE_BYTES).fill(n)
const subject: ProofSubject = {
  infoHash: infoHash('ab'.repeat(20)),
  role: 'dialled',
  nonces: { dialled: nonce(1), listened: nonce(2) },
  to: ipAddress('10.0.0.1'),
}

describe('the key of a swarm', () => {
  it('is 16 to 32 bytes, and is read as it was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        if (bytes.length >= 16 && bytes.length <= 32)
          assert.deepEqual(new Uint8Array(bytesOfSwarmKey(swarmKeyOfBytes(bytes))), bytes)
        else assert.throws(() => swarmKeyOfBytes(bytes), ShoalError)
      }),
    )
    for (const text of ['', 'AB'.repeat(16), 'a'.repeat(33), 'zz'.repeat(16), '5a'.repeat(33)])
      assert.throws(() => swarmKey(text), ShoalError)
  })
})

describe('a proof of it', () => {
  it('is the same for the same, and another for any other key, role, number, swarm or address', () => {
    const proof = proofOf(key, subject)
    assert.equal(proof.length, PROOF_BYTES)
    assert.ok(isSameProof(proof, proofOf(key, { ...subject })))
    const others = [
      proofOf(swarmKey('5b'.repeat(32)), subject),
      proofOf(key, { ...subject, role: 'listened' }),
      proofOf(key, { ...subject, nonces: { dialled: nonce(2), listened: nonce(1) } }),
      proofOf(key, { ...subject, nonces: { dialled: nonce(1), listened: nonce(3) } }),
      proofOf(key, { ...subject, infoHash: infoHash('ac'.repeat(20)) }),
      proofOf(key, { ...subject, to: ipAddress('10.0.0.2') }),
      proofOf(key, { ...subject, to: ipAddress('2001:db8::1') }),
    ]
    for (const other of others) assert.ok(!isSameProof(proof, other))
    assert.equal(new Set(others.map((other) => Buffer.from(other).toString('hex'))).size, others.length)
  })

  it('is no proof when it is cut or empty', () => {
    const proof = proofOf(key, subject)
    assert.ok(!isSameProof(proof, proof.subarray(1)))
    assert.ok(!isSameProof(new Uint8Array(), new Uint8Array()))
  })
})
