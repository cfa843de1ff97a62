import assert from 'node:assert/strict'
import { hours, millis } from '../../src/core/units.ts'
import { FIRST_SOCKET, GrantUses } from '../../src/tracker/grant-uses.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip } from './support.ts'

const HOLD = hours(2)
const [A, B, C] = [ip('10.0.0.1'), ip('10.0.0.2'), ip('10.0.0.3')]

describe('The uses of a grant', () => {
  let clock: ManualClock
  let uses: GrantUses
  let id: ReturnType<typeof newGrantId>
  beforeEach(() => {
    clock = new ManualClock()
    clock.advance(hours(5))
    uses = new GrantUses({ clock }, { grantsMax: 10, portsPerAddressMax: 2, hold: HOLD })
    id = newGrantId(clock.epoch())
  })

  /** Whether the address is admitted, with two addresses allowed. */
  const isAdmitted = (host = A, port = 5_000, of = id): boolean =>
    uses.admit(of, host, port, 2).kind === 'admitted'
  /** The port that gave way at `A`. */
  const gaveWay = (port: number): number | undefined => {
    const answer = uses.admit(id, A, port, 2)
    return answer.kind === 'admitted' ? answer.portForgotten : assert.fail('not admitted')
  }

  it('end at as many addresses as are allowed, for each grant alone', () => {
    assert.deepEqual([isAdmitted(A), isAdmitted(B), isAdmitted(C)], [true, true, false])
    assert.deepEqual([isAdmitted(A), isAdmitted(B)], [true, true])
    assert.equal(isAdmitted(C, 5_000, newGrantId(clock.epoch())), true)
  })

  it('count an address until it was quiet for the whole hold', () => {
    isAdmitted(A)
    isAdmitted(B)
    clock.advance(millis(HOLD - 1))
    assert.equal(isAdmitted(C), false)
    clock.advance(millis(1))
    assert.equal(isAdmitted(C), true)
  })

  it('go on counting an address that goes on announcing', () => {
    isAdmitted(A)
    isAdmitted(B)
    clock.advance(hours(1))
    isAdmitted(A)
    isAdmitted(B)
    clock.advance(hours(1))
    assert.equal(isAdmitted(C), false)
  })

  it('make the port announced longest ago give way at an address that has too many', () => {
    assert.equal(gaveWay(1), undefined)
    assert.equal(gaveWay(2), undefined)
    assert.equal(gaveWay(1), undefined)
    assert.equal(gaveWay(3), 2)
    assert.equal(gaveWay(4), 1)
    assert.equal(gaveWay(4), undefined)
  })

  it('keep the order of many ports, and all of them when one stops that was not there', () => {
    uses = new GrantUses({ clock }, { grantsMax: 10, portsPerAddressMax: 4, hold: HOLD })
    for (const port of [1, 2, 3, 4, 2, 1]) assert.equal(gaveWay(port), undefined)
    uses.stopped(id, A, 9)
    assert.deepEqual([5, 6, 7, 8].map(gaveWay), [3, 4, 2, 1])
    uses.stopped(id, A, 6)
    assert.deepEqual([9, 10, 11].map(gaveWay), [undefined, 5, 7])
  })

  it('have room for a port where another stopped', () => {
    gaveWay(1)
    gaveWay(2)
    uses.stopped(id, A, 2)
    assert.equal(gaveWay(3), undefined)
    uses.stopped(id, B, 3)
    uses.stopped(newGrantId(clock.epoch()), A, 3)
    assert.equal(gaveWay(4), 1)
  })

  it('are forgotten by a sweep once nothing of them counts', () => {
    isAdmitted(A)
    clock.advance(hours(1))
    isAdmitted(A, 5_000, newGrantId(clock.epoch()))
    uses.sweep()
    assert.equal(uses.grantCount, 2)
    clock.advance(hours(1))
    uses.sweep()
    assert.equal(uses.grantCount, 1)
  })

  it('are swept in parts, whoever comes in between', () => {
    uses = new GrantUses({ clock }, { grantsMax: 100, portsPerAddressMax: 2, hold: HOLD })
    const ids = Array.from({ length: 40 }, () => newGrantId(clock.epoch()))
    for (const one of ids) isAdmitted(A, 5_000, one)
    clock.advance(HOLD)
    let from: number | undefined = 0
    for (let parts = 0; from !== undefined && parts < 20; parts++) {
      const before = uses.grantCount
      from = uses.sweep({ from, most: 7 })
      assert.ok(before - uses.grantCount <= 7)
      isAdmitted(A, 5_000, ids.at(-1))
    }
    assert.deepEqual([from, uses.grantCount], [undefined, 1])
  })

  it('outlast the walk of a sweep that still has them as they were before they were forgotten', () => {
    uses = new GrantUses({ clock }, { grantsMax: 4, portsPerAddressMax: 2, hold: HOLD })
    const others = Array.from({ length: 6 }, () => newGrantId(clock.epoch()))
    isAdmitted(A, 5_000, others[0])
    isAdmitted(A)
    clock.advance(HOLD)
    const next = uses.sweep({ from: 0, most: 1 })
    for (const one of others.slice(1)) isAdmitted(A, 5_000, one)
    isAdmitted(A)
    isAdmitted(B)
    uses.sweep({ from: next ?? assert.fail(), most: 1 })
    assert.equal(isAdmitted(C), false)
  })

  it('bound ports and WebSockets each for itself: what gives way is of the kind that came', () => {
    for (const number of [5_001, FIRST_SOCKET + 1, 5_002, FIRST_SOCKET + 2])
      assert.equal(gaveWay(number), undefined)
    assert.equal(gaveWay(5_003), 5_001)
    assert.equal(gaveWay(FIRST_SOCKET + 3), FIRST_SOCKET + 1)
    assert.equal(gaveWay(5_004), 5_002)
  })

  it('are ports to 65,535 and WebSockets from 65,536', () => {
    for (const number of [65_534, 65_535, 65_536, 65_537]) assert.equal(gaveWay(number), undefined)
    assert.equal(gaveWay(65_538), 65_536)
    assert.equal(gaveWay(65_536), 65_537)
    assert.equal(gaveWay(1), 65_534)
  })

  it('are swept to the end, part by part, past those that still count', () => {
    uses = new GrantUses({ clock }, { grantsMax: 100, portsPerAddressMax: 2, hold: HOLD })
    isAdmitted(A, 5_000, newGrantId(clock.epoch()))
    clock.advance(HOLD)
    for (let i = 0; i < 9; i++) isAdmitted(A, 5_000, newGrantId(clock.epoch()))
    assert.equal(uses.sweep({ from: 0, most: 4 }), 4)
    assert.equal(uses.sweep({ from: 4, most: 4 }), 8)
    assert.equal(uses.sweep({ from: 8, most: 4 }), undefined)
    assert.equal(uses.grantCount, 9)
    isAdmitted(B)
    clock.advance(HOLD)
    for (let i = 0; i < 9; i++) isAdmitted(A, 5_000, newGrantId(clock.epoch()))
    for (let from: number | undefined = 0; from !== undefined;) from = uses.sweep({ from, most: 3 })
    assert.equal(uses.grantCount, 9)
  })

  it('outlast a sweep while they count', () => {
    isAdmitted(A)
    isAdmitted(B)
    uses.sweep()
    assert.equal(isAdmitted(C), false)
  })
})
