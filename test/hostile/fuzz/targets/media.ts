/** Parsers of media that run in the portal: posters. (Containers are read in a thread: `test/seeder/media`.) */
import assert from 'node:assert/strict'
import { cleanJpeg } from '../../../../src/wire/jpeg.ts'
import { jpegWith, segment, smallJpeg } from '../../../support/jpegs.ts'
import type { Target } from '../target.ts'

export const mediaTargets: readonly Target[] = [
  {
    name: 'jpeg',
    files: ['wire/jpeg.ts'],
    dialect: 'records',
    corpus: 'jpeg',
    seeds: [
      smallJpeg(),
      jpegWith(segment(0xe1, 'Exif\0\0'), segment(0xfe, 'a comment')),
      jpegWith(
        segment(0xee, Buffer.from('Adobe\0\x64\0\0\0\0\x01', 'latin1')),
        segment(0xdd, Buffer.from([0, 4])),
      ),
    ].map((jpeg) => new Uint8Array(jpeg)),
    frame: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8,
    read: (bytes) => {
      const { bytes: clean, widthPx, heightPx } = cleanJpeg(bytes)
      assert.ok(widthPx > 0 && heightPx > 0)
      assert.deepEqual(cleanJpeg(clean).bytes, clean)
    },
  },
]
