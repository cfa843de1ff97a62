import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  addressOfBytes,
  bytesOfAddress,
  formatEndpoint,
  ipAddress,
  isIPv6,
  sameEndpoint,
  tryIpAddress,
} from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'

describe('an IP address', () => {
  const spellings: readonly (readonly [string, string])[] = [
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8::0001', '2001:db8::1'],
    ['::1', '::1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
  ]
  for (const [written, canonical] of spellings) {
    it(`written ${written} is ${canonical}`, () => {
      assert.equal(ipAddress(written), canonical)
    })
  }

  const refused = [
    '',
    'localhost',
    '10.0.0',
    '010.0.0.1',
    '0x7f.1',
    '2130706433',
    '10.0.0.1.2',
    '256.0.0.1',
    ' 10.0.0.1',
    'fe80::1%eth0',
    '[::1]',
    ':::',
    '1.2.3.4.5.6',
    '9'.repeat(1_000),
  ]
  for (const text of refused) {
    it(`is refused when written ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.equal(tryIpAddress(text), undefined)
      assert.throws(() => ipAddress(text), ShoalError)
    })
  }

  it('has bytes that give it back', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    fc.assert(
      fc.property(bytes, (raw) => {
        const host = addressOfBytes(raw)
        assert.equal(ipAddress(host), host)
        assert.equal(addressOfBytes(bytesOfAddress(host)), host)
        if (isIPv6(host) || raw.length === 4) assert.deepEqual(bytesOfAddress(host), raw)
      }),
    )
  })

  it('is not made of 5 bytes', () => {
    assert.throws(() => addressOfBytes(new Uint8Array(5)), ShoalError)
  })
})

describe('an endpoint', () => {
  it('is written with brackets when the address is IPv6', () => {
    assert.equal(formatEndpoint({ host: '10.0.0.1', port: 6881 }), '10.0.0.1:6881')
    assert.equal(formatEndpoint({ host: '2001:db8::1', port: 80 }), '[2001:db8::1]:80')
  })

  it('is another when address or port differ', () => {
    const here = { host: ipAddress('10.0.0.1'), port: 1 }
    assert.ok(sameEndpoint(here, { ...here }))
    assert.ok(!sameEndpoint(here, { ...here, port: 2 }))
    assert.ok(!sameEndpoint(here, { ...here, host: ipAddress('10.0.0.2') }))
  })
})
