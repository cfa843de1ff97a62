import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { decodeState, encodeState } from '../../src/swarm/resume-state.ts'
import { hostileInputs } from '../support/corpus.ts'

const EXPECTED = {
  infoHash: infoHash('0123456789abcdef'.repeat(3).slice(0, 40)),
  folder: '/srv',
  pieces: 11,
  files: 2,
}

describe('the state of a download', () => {
  for (const { name, bytes } of hostileInputs('resume-state'))
    it(`is read as what is written again: ${name}`, () => {
      const state = decodeState(bytes, EXPECTED)
      assert.ok(state)
      assert.deepEqual(decodeState(encodeState(state), EXPECTED), state)
    })

  for (const size of ['-0', '-1', '1.5', '1e400', '9007199254740992', '"5"', 'null'])
    it(`vouches for no file of ${size} bytes`, () => {
      const text = `{"version":2,"infoHash":"${EXPECTED.infoHash}","folder":"/srv","done":"/+A=","files":[[${size},"7"],null],"bootId":"b","isSynced":true}`
      assert.deepEqual(decodeState(Buffer.from(text), EXPECTED)?.stamps, [undefined, undefined])
    })
})
