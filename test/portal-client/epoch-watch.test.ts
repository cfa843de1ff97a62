import assert from 'node:assert/strict'
import { ControlState, onNewEpoch } from '../../src/portal-client/index.ts'
import { answer } from './control-events.ts'

describe('the epoch of a portal', () => {
  it('is new when it is another than before: not at first, and not because it is repeated', () => {
    const state = new ControlState()
    let times = 0
    const stop = onNewEpoch(state, () => times++)
    const told: number[] = []
    const tell = (seq: number, epoch: number): void => {
      state.apply(answer(seq, [{ kind: 'epoch', epoch }]))
      told.push(times)
    }
    tell(1, 5)
    tell(2, 5)
    tell(3, 6)
    tell(4, 6)
    tell(5, 7)
    stop()
    tell(6, 8)
    assert.deepEqual(told, [0, 0, 1, 1, 2, 2])
  })

  it('is known beforehand to who asks a feed that is ready', () => {
    const state = new ControlState()
    state.apply(answer(1, [{ kind: 'epoch', epoch: 5 }]))
    let times = 0
    onNewEpoch(state, () => times++)
    state.apply(answer(2, [{ kind: 'epoch', epoch: 6 }]))
    assert.equal(times, 1)
  })
})
