import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { cleanJpeg } from '../../src/wire/jpeg.ts'
import { mediaLimits } from '../../src/wire/limits-media.ts'
import { hostileInputs } from '../support/corpus.ts'
import { jpegOfSize, jpegWith, segment, smallJpeg } from '../support/jpegs.ts'

const RUNS = { numRuns: Number(process.env.FUZZ_RUNS ?? 500) }
const EXIF = segment(0xe1, 'Exif\0\0 where it was taken')
const COMMENT = segment(0xfe, 'by whom')
/** With flags that are dropped, and the transform 0: its colours are red, green and blue. */
const ADOBE = segment(0xee, Buffer.from('Adobe\0\x64\x80\x01\x02\x03\x00', 'latin1'))

const codeOf = (bytes: Uint8Array): string | undefined => {
  try {
    cleanJpeg(bytes)
    return undefined
  } catch (error) {
    assert.ok(error instanceof ShoalError, String(error))
    return error.code
  }
}

describe('a foreign JPEG', () => {
  it('is written anew without what decoding does not need', () => {
    const { bytes, widthPx, heightPx } = cleanJpeg(smallJpeg())
    assert.deepEqual([widthPx, heightPx], [16, 16])
    assert.ok(!Buffer.from(bytes).includes('JFIF'))
    assert.deepEqual(cleanJpeg(jpegWith(EXIF, COMMENT, EXIF)).bytes, bytes)
    assert.equal(smallJpeg().length - bytes.length, 18, 'more is gone than the segment of JFIF')
  })

  it('keeps how its colours are coded, and nothing else of what Adobe says', () => {
    const { bytes } = cleanJpeg(jpegWith(ADOBE))
    assert.ok(Buffer.from(bytes).includes(Buffer.from('Adobe\0\x64\0\0\0\0\0', 'latin1')))
  })

  it('that is clean stays as it is', () => {
    const { bytes } = cleanJpeg(jpegWith(ADOBE, EXIF))
    assert.deepEqual(cleanJpeg(bytes).bytes, bytes)
  })

  it('is refused when it has more bytes or pixels than a poster', () => {
    const most = mediaLimits.posterPixelsMax
    assert.equal(codeOf(jpegOfSize(most, most)), undefined)
    assert.equal(codeOf(jpegOfSize(most + 1, 16)), 'over-limit')
    assert.equal(codeOf(jpegOfSize(16, most + 1)), 'over-limit')
    const padding = Array.from({ length: 5 }, () => segment(0xfe, 'x'.repeat(60_000)))
    assert.equal(codeOf(jpegWith(...padding)), 'over-limit')
  })

  it('that is hostile is refused, or harmless', () => {
    for (const { name, bytes, mustBeRead } of hostileInputs('jpeg'))
      assert.equal(codeOf(bytes) === undefined, mustBeRead, name)
  })

  it('that is noise is refused, or read to something that stays as it is', () => {
    const change = fc.tuple(fc.nat(smallJpeg().length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const bytes = smallJpeg()
        for (const [at, value] of changes) bytes[at] = value
        if (codeOf(bytes) !== undefined) return
        const clean = cleanJpeg(bytes).bytes
        assert.deepEqual(cleanJpeg(clean).bytes, clean)
      }),
      RUNS,
    )
  })
})
