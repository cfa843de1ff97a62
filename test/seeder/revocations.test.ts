import assert from 'node:assert/strict'
import { grantId, infoHash } from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import type { ControlListener } from '../../src/portal-client/index.ts'
import { watchRevocations } from '../../src/seeder/revocations.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryEngine } from './support/memory-engine.ts'

const REVOKED: ControlEvent = {
  kind: 'grant-revoked',
  id: grantId('A'.repeat(16)),
  until: '2030-01-01T00:00:00Z',
}

function watching(): {
  clock: ManualClock
  engine: MemoryEngine
  tell: (...e: ControlEvent[]) => void
} & Disposable {
  const clock = new ManualClock()
  const engine = new MemoryEngine()
  let listener: ControlListener = () => undefined
  const onChange = (wanted: ControlListener): (() => void) => {
    listener = wanted
    return () => (listener = () => undefined)
  }
  const watch = watchRevocations({ clock, engine, control: { onChange } })
  return {
    clock,
    engine,
    tell: (...events) => listener(events),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  }
}

describe('A seeder that hears of a revocation', () => {
  it('has its peers looked at within seconds, and once more when every tracker knows, within the minute', () => {
    using world = watching()
    world.tell(REVOKED)
    world.clock.advance(seconds(2))
    assert.equal(world.engine.reconsidered, 1)
    world.clock.advance(seconds(48))
    assert.equal(world.engine.reconsidered, 2)
    world.clock.advance(seconds(600))
    assert.equal(world.engine.reconsidered, 2)
  })

  it('does so for each of many that come one after the other, with few looks', () => {
    using world = watching()
    for (let n = 0; n < 100; n++) {
      world.tell(REVOKED)
      world.clock.advance(seconds(1))
    }
    const sofar = world.engine.reconsidered
    assert.ok(sofar <= 60, `${sofar} looks`)
    world.clock.advance(seconds(13))
    const { reconsidered } = world.engine
    world.clock.advance(seconds(45))
    assert.ok(world.engine.reconsidered > reconsidered, 'once more when trackers know of the last')
  })

  it('does nothing for what lets nobody out, and nothing after its end', () => {
    using world = watching()
    world.tell({ kind: 'wanted', infohash: infoHash('ab'.repeat(20)) })
    world.clock.advance(seconds(100))
    world.tell(REVOKED)
    world[Symbol.dispose]()
    world.clock.advance(seconds(100))
    assert.equal(world.engine.reconsidered, 0)
    assert.equal(world.clock.timers, 0)
  })
})
