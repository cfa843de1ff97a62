import assert from 'node:assert/strict'
import { Gate } from '../../src/core/gate.ts'

describe('a gate', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('lets in as many as it is wide, the others in turn', async () => {
    const gate = new Gate(2)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const all = [0, 1, 2, 3].map((n) =>
      gate.run(() => {
        begun.push(n)
        return new Promise<void>((resolve) => ends.push(resolve))
      }),
    )
    await turn()
    assert.deepEqual(begun, [0, 1])
    assert.equal(gate.waiting, 2)
    ends[1]?.()
    await turn()
    assert.deepEqual(begun, [0, 1, 2])
    ends[0]?.()
    await turn()
    for (const end of ends) end()
    await Promise.all(all)
    assert.deepEqual(begun, [0, 1, 2, 3])
  })

  it('keeps nothing of one that leaves while it waits, and lets the next in', async () => {
    const gate = new Gate(1)
    const { promise: held, resolve: letGo } = Promise.withResolvers<undefined>()
    const first = gate.run(() => held)
    const leaving = new AbortController()
    let isBegun = false
    const second = gate.run(() => {
      isBegun = true
      return Promise.resolve()
    }, leaving.signal)
    const third = gate.run(() => Promise.resolve('third'))
    leaving.abort(new Error('it was stopped'))
    await assert.rejects(second, /it was stopped/)
    assert.equal(gate.waiting, 1)
    letGo(undefined)
    await first
    assert.equal(await third, 'third')
    assert.equal(isBegun, false)
    await assert.rejects(
      gate.run(() => Promise.resolve(), leaving.signal),
      /it was stopped/,
    )
    assert.equal(await gate.run(() => Promise.resolve('again')), 'again')
  })
})
