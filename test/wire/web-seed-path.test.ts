import assert from 'node:assert/strict'
import fc from 'fast-check'
import { refusalOfName } from '../../src/core/file-name.ts'
import { parseWebSeedPath, webSeedFileUrl } from '../../src/wire/web-seed-path.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutatedText } from '../support/mutations.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const names = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .filter((name) => refusalOfName(name) === undefined)
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))

describe('a path below a web seed', () => {
  it('is read back as it was written, whatever its names', () => {
    fc.assert(
      fc.property(paths, (landingPath) => {
        const url = webSeedFileUrl('/w/GRANT/', landingPath)
        assert.match(url, /^[A-Za-z0-9._~%/-]+$/)
        assert.deepEqual(parseWebSeedPath(url), { grant: 'GRANT', landingPath })
      }),
    )
  })

  it('may be encoded more or less than we do it', () => {
    for (const path of ['a%20b/c%23d', '%61 b/c%23d'.replace(' ', '%20'), 'a%20b/%63%23%64', 'a%20b/c%23d'])
      assert.equal(parseWebSeedPath(`/w/g/${path}`).landingPath, 'a b/c#d')
    assert.equal(parseWebSeedPath("/w/g/it's(1)+!.bin").landingPath, "it's(1)+!.bin")
  })

  it('that can be no file is refused', () => {
    for (const { name, text } of hostileInputs('web-seed-path'))
      assert.throws(() => parseWebSeedPath(text), { code: 'not-found' }, name)
    assert.throws(() => parseWebSeedPath(`/w/g/${'a/'.repeat(10_000)}`), { code: 'not-found' })
    assert.throws(() => parseWebSeedPath(`/w/${'g'.repeat(231)}/a`), { code: 'not-found' })
  })

  it('of a stranger names only what may be a file on any system, or is refused', () => {
    const targets = paths.map((path) => webSeedFileUrl('/w/GRANT/', path))
    fc.assert(
      fc.property(mutatedText(targets), (target) => {
        const read = orRefused(() => parseWebSeedPath(target))
        for (const name of read?.landingPath.split('/') ?? []) assert.equal(refusalOfName(name), undefined)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})
