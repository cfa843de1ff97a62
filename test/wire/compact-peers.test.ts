import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes, type Endpoint, isIPv6 } from '../../src/core/address.ts'
import {
  decodeCompact,
  encodeCompactV4,
  encodeCompactV6,
  hasPort,
  splitByFamily,
} from '../../src/wire/compact-peers.ts'
import { readsExactlyOrRefuses } from './fuzz.ts'

describe('compact peers', () => {
  it('are 6 bytes each for IPv4: read exactly, or refused (BEP 23)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        readsExactlyOrRefuses(bytes, (raw) => decodeCompact(raw, 'v4'), encodeCompactV4)
        if (bytes.length % 6 !== 0) assert.throws(() => decodeCompact(bytes, 'v4'), { code: 'bad-input' })
      }),
    )
  })

  it('are 18 bytes each for IPv6 (BEP 7)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 18, maxLength: 18 }), { maxLength: 4 }), (parts) => {
        const bytes = new Uint8Array(Buffer.concat(parts))
        const peers = decodeCompact(bytes, 'v6')
        assert.equal(peers.length, parts.length)
        if (peers.every((peer) => isIPv6(peer.host))) assert.deepEqual(encodeCompactV6(peers), bytes)
      }),
    )
    assert.throws(() => decodeCompact(new Uint8Array(17), 'v6'), { code: 'bad-input' })
  })

  it('are IPv4 ones even when they come dressed as IPv6', () => {
    const mapped = Buffer.from('00000000000000000000ffff0a0000011ae1', 'hex')
    assert.deepEqual(decodeCompact(mapped, 'v6'), [{ host: '10.0.0.1', port: 6_881 }])
  })

  it('split by family, each in its order', () => {
    const peer = (hex: string, port: number): Endpoint => ({
      host: addressOfBytes(Buffer.from(hex, 'hex')),
      port,
    })
    const [a, b, c] = [peer('0a000001', 1), peer(`fd${'0'.repeat(29)}1`, 2), peer('0a000002', 0)]
    assert.deepEqual(splitByFamily([a, b, c]), { v4: [a, c], v6: [b] })
    assert.ok(hasPort(a) && !hasPort(c))
  })
})
