import assert from 'node:assert/strict'
import { SharedWork } from '../../src/core/shared-work.ts'

describe('Work that several wait for', () => {
  let ended: boolean
  let done: (value: string) => void
  let work: SharedWork<string>

  beforeEach(() => {
    ended = false
    work = new SharedWork(
      (signal) =>
        new Promise((resolve, reject) => {
          done = resolve
          signal.addEventListener('abort', () => {
            ended = true
            reject(signal.reason as Error)
          })
        }),
    )
  })

  it('goes on for the others when one leaves', async () => {
    const one = new AbortController()
    const [first, second] = [work.result(one.signal), work.result(new AbortController().signal)]
    one.abort(new Error('gone'))
    await assert.rejects(first, /gone/)
    assert.equal(ended, false)
    done('all of it')
    assert.equal(await second, 'all of it')
    assert.equal(work.cameToNothing, false)
  })

  it('ends when all have left, and says so to who comes later', async () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const waiting = [work.result(one.signal), work.result(two.signal)]
    one.abort(new Error('gone'))
    two.abort(new Error('gone'))
    for (const each of waiting) await assert.rejects(each, /gone/)
    assert.equal(ended, true)
    assert.equal(work.cameToNothing, true)
  })

  it('is there for whoever comes when it is done, and stays', async () => {
    const first = work.result()
    done('all of it')
    await first
    assert.equal(await work.result(new AbortController().signal), 'all of it')
    assert.equal(work.cameToNothing, false)
    await assert.rejects(work.result(AbortSignal.abort(new Error('never came'))), /never came/)
  })
})
