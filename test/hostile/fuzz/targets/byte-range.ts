/** Parser of a range of bytes, as a player or a web seed's client asks for it. */
import assert from 'node:assert/strict'
import { parseByteRange } from '../../../../src/wire/byte-range.ts'
import { bytesOfText, type Target, textOf } from '../target.ts'

const SIZE = 1_000

export const byteRangeTargets: readonly Target[] = [
  {
    name: 'byte range',
    files: ['wire/byte-range.ts'],
    beside: ['contentRangeOf', 'unsatisfiedRangeOf'],
    dialect: 'words',
    corpus: 'byte-range',
    words: ['bytes=', 'BYTES=', 'seconds=', '-', ',', ' ', '0', '999', '1000', '18446744073709551616', '9'.repeat(60)],
    seeds: [
      'bytes=0-499', 'bytes=500-', 'bytes=-500', 'bytes=1000-', 'bytes=-0', 'bytes=9-2', 'seconds=1-2', 'bytes= 0-0 ',
      `bytes=0-${'9'.repeat(80)}`,
    ].map(bytesOfText),
    frame: (bytes) => /^[a-z]+=/i.test(textOf(bytes)),
    read: (bytes) => {
      const text = textOf(bytes)
      const range = parseByteRange(text, SIZE)
      parseByteRange(text, 0)
      if (typeof range === 'object')
        assert.deepEqual(parseByteRange(`bytes=${range.start}-${range.end - 1}`, SIZE), range)
    },
  },
] // prettier-ignore
