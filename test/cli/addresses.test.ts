import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { firstAddress, localUrlOf, peerAddressOf, publicUrlOf } from '../../src/cli/addresses.ts'

describe('the address under which a machine is known', () => {
  it('is the public URL that was given, as an origin', () => {
    assert.equal(
      publicUrlOf('https://Media.Example.com/', { host: '0.0.0.0', port: 1 }),
      'https://media.example.com',
    )
  })

  it('is where it listens when that is one address', () => {
    assert.equal(publicUrlOf(undefined, { host: '127.0.0.1', port: 8_080 }), 'http://127.0.0.1:8080')
    assert.equal(publicUrlOf(undefined, { host: '::1', port: 80 }), 'http://[::1]:80')
  })

  it('is the first address of the machine when it listens everywhere', () => {
    assert.equal(publicUrlOf(undefined, { host: '0.0.0.0', port: 9 }), `http://${firstAddress()}:9`)
  })

  it('refuses a public URL with a path, a query or another scheme', () => {
    for (const url of ['ftp://x', 'https://x/y', 'https://x/?a', 'x.example.com']) {
      assert.throws(() => publicUrlOf(url, { host: '', port: 1 }), /--public-url/)
    }
  })

  it('for peers is that of the public URL, unless another is asked for', () => {
    assert.equal(peerAddressOf(undefined, 'http://10.1.2.3:8080'), '10.1.2.3')
    assert.equal(peerAddressOf(undefined, 'http://[fd00::1]:8080'), 'fd00::1')
    assert.equal(peerAddressOf(ipAddress('10.9.9.9'), 'http://10.1.2.3'), '10.9.9.9')
    assert.equal(peerAddressOf(undefined, 'https://media.example.com'), firstAddress())
  })

  it('from the machine itself is loopback when it listens everywhere', () => {
    assert.equal(localUrlOf({ host: '0.0.0.0', port: 8_080 }), 'http://127.0.0.1:8080')
  })
})
