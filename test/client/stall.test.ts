import assert from 'node:assert/strict'
import { explainStall, type StallFacts } from '../../src/client/stall.ts'
import { seconds } from '../../src/core/units.ts'

const moving: StallFacts = {
  tracker: { kind: 'announced', url: 'http://t/announce', peers: 3 },
  storage: undefined,
  hasMetadata: true,
  peers: 3,
}

describe('when nothing moves, the sentence', () => {
  it('gives the reason of the tracker that refuses', () => {
    const tracker = {
      kind: 'announce-refused',
      url: 'http://t/announce',
      reason: 'grant revoked',
      retryIn: seconds(60),
    } as const
    assert.match(explainStall({ ...moving, tracker }), /refuses us: grant revoked/)
  })

  it('says that the tracker does not answer', () => {
    const tracker = {
      kind: 'announce-failed',
      url: 'http://t/announce',
      reason: 'connection refused',
      retryIn: seconds(4),
    } as const
    assert.match(explainStall({ ...moving, tracker }), /does not answer \(connection refused\)/)
  })

  it('says that the tracker has not spoken yet', () => {
    assert.match(explainStall({ ...moving, tracker: undefined }), /no word from the tracker/)
  })

  it('names the peer port when no peer can be reached', () => {
    assert.match(explainStall({ ...moving, peers: 0 }), /peer port/)
  })

  it('says that nobody has sent the description yet', () => {
    assert.match(explainStall({ ...moving, hasMetadata: false }), /description/)
  })

  it('puts a full disk before all else', () => {
    const storage = { kind: 'storage-failed', reason: 'the disk is full' } as const
    assert.equal(explainStall({ ...moving, peers: 0, storage }), 'paused: the disk is full')
  })
})
