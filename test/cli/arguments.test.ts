import assert from 'node:assert/strict'
import { bundleAndRelease, hostAndPort, port, positive } from '../../src/cli/arguments.ts'
import { ShoalError } from '../../src/core/errors.ts'

const isBadUsage = (error: unknown): boolean => error instanceof ShoalError && error.code === 'bad-usage'

describe('command-line values', () => {
  it('hold a port from 0 to 65535', () => {
    assert.equal(port('0'), 0)
    assert.equal(port('65535'), 65_535)
    for (const text of ['65536', '-1', '1.5', '0x10', '', ' 80']) assert.throws(() => port(text), isBadUsage)
  })

  it('hold a number of 1 or more', () => {
    assert.equal(positive('8'), 8)
    for (const text of ['0', '-3', '1e3', '']) assert.throws(() => positive(text), isBadUsage)
  })

  it('name where to listen with or without a host', () => {
    assert.deepEqual(hostAndPort('127.0.0.1:8080'), { host: '127.0.0.1', port: 8_080 })
    assert.deepEqual(hostAndPort('[::1]:80'), { host: '::1', port: 80 })
    assert.deepEqual(hostAndPort('8080'), { host: '0.0.0.0', port: 8_080 })
    for (const text of ['localhost', '::1:80', 'a b:80', 'x:99999'])
      assert.throws(() => hostAndPort(text), isBadUsage)
  })

  it('name a bundle, and a release behind "@"', () => {
    assert.deepEqual(bundleAndRelease('a-b'), { bundle: 'a-b', release: 'latest' })
    assert.deepEqual(bundleAndRelease('a-b@2'), { bundle: 'a-b', release: '2' })
    for (const text of ['A b', 'a@', '@1', 'a@../x']) assert.throws(() => bundleAndRelease(text), isBadUsage)
  })
})
