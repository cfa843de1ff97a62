import assert from 'node:assert/strict'
import { parseTarget } from '../../src/client/target.ts'
import { ShoalError } from '../../src/core/errors.ts'

describe('what get is given', () => {
  it('is a magnet when it begins as one, in any case', () => {
    assert.deepEqual(parseTarget('MAGNET:?xt=urn'), { kind: 'magnet', text: 'MAGNET:?xt=urn' })
  })

  it('is the latest release of a bundle when it is only a name', () => {
    assert.deepEqual(parseTarget('fire-safety'), { kind: 'bundle', bundle: 'fire-safety', release: 'latest' })
  })

  it('is one release when a name follows an "@"', () => {
    assert.deepEqual(parseTarget('fire-safety@2026.1'), {
      kind: 'bundle',
      bundle: 'fire-safety',
      release: '2026.1',
    })
  })

  it('is a bundle of the portal whose page is given', () => {
    assert.deepEqual(parseTarget('http://media.example:8080/bundles/fire-safety'), {
      kind: 'bundle',
      bundle: 'fire-safety',
      release: 'latest',
      portal: 'http://media.example:8080',
    })
  })

  it('is a file when it ends in .torrent', () => {
    assert.deepEqual(parseTarget('/tmp/no such.torrent'), {
      kind: 'torrent-file',
      path: '/tmp/no such.torrent',
    })
  })

  for (const text of [
    '',
    'Fire Safety',
    'a@b@c',
    'a@',
    'http://media.example/other',
    '../nothing is called so/x',
    'a--b',
  ]) {
    it(`is refused as wrong usage when it is ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseTarget(text),
        (error) => error instanceof ShoalError && error.code === 'bad-usage',
      )
    })
  }
})
