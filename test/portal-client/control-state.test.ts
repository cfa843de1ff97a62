import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { hours, minutes } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  answer,
  BOOK,
  claims,
  FILM,
  iso,
  issued,
  key,
  MIRROR,
  ORIGIN,
  serves,
  stateOf,
  T0,
} from './control-events.ts'
import { refused } from './fixtures.ts'

describe('ControlState', () => {
  it('knows nothing and is not ready before the first answer', () => {
    const state = new ControlState()
    assert.equal(state.isReady, false)
    assert.equal(state.seq, 0)
    assert.equal(state.epoch, 0)
    assert.equal(state.grantKeys().size, 0)
    assert.deepEqual(state.wanted(), [])
  })

  it('is ready after an answer without events', () => {
    const state = new ControlState()
    state.apply(answer(1, []))
    assert.equal(state.isReady, true)
    assert.equal(state.seq, 1)
  })

  it('holds the grant keys that were named and not retired', () => {
    const state = stateOf({ kind: 'grant-key', key: key('k2') }, { kind: 'grant-key-retired', kid: 'k1' })
    assert.deepEqual([...state.grantKeys().keys()], ['k2'])
  })

  it('takes no key of another purpose for a grant key', () => {
    assert.equal(
      stateOf({ kind: 'grant-key', key: key('link1', 'link') })
        .grantKeys()
        .has('link1'),
      false,
    )
  })

  it('refuses nothing of a grant that nobody spoke of', () => {
    assert.equal(stateOf().refusalOf(claims(issued(T0)), 'k1'), undefined)
  })

  it('refuses a revoked grant, and only that', () => {
    const state = stateOf({ kind: 'grant-revoked', id: issued(T0), until: iso(T0 + hours(1)) })
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), 'grant revoked')
    assert.equal(state.refusalOf(claims(issued(T0, 1)), 'k1'), undefined)
  })

  it('remembers a revocation until the grant has expired, leeway included', () => {
    const state = stateOf({ kind: 'grant-revoked', id: issued(T0), until: iso(T0 + hours(1)) })
    const last = T0 + hours(1) + limits.clockLeeway
    state.apply(answer(2, [], last))
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), 'grant revoked')
    state.apply(answer(3, [], last + 1))
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), undefined)
  })

  it('keeps the later end of a grant that is revoked twice', () => {
    const state = stateOf(
      { kind: 'grant-revoked', id: issued(T0), until: iso(T0 + hours(2)) },
      { kind: 'grant-revoked', id: issued(T0), until: iso(T0 + hours(1)) },
    )
    state.apply(answer(2, [], T0 + hours(1.9)))
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), 'grant revoked')
  })

  it('refuses the grants of a recalled release', () => {
    const state = stateOf(serves(ORIGIN, 'origin', [FILM]), { kind: 'recalled', infohash: FILM })
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), 'release recalled')
    assert.equal(state.refusalOf(claims(issued(T0), BOOK), 'k1'), undefined)
    assert.equal(state.isRecalled(FILM), true)
    assert.deepEqual(state.originsOf(FILM), [])
  })

  it('refuses grants of a key that is no longer in use, though their signature was good', () => {
    const state = stateOf({ kind: 'grant-key-retired', kid: 'k1' })
    assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), 'the key of this grant is no longer in use')
  })

  const scopes = [
    { scope: 'all', value: '' },
    { scope: 'key', value: 'k1' },
    { scope: 'release', value: FILM },
  ] as const
  for (const { scope, value } of scopes) {
    it(`refuses what was issued before a time, by ${scope}`, () => {
      const state = stateOf({ kind: 'refuse-before', scope, value, before: iso(T0) })
      assert.equal(
        state.refusalOf(claims(issued(T0 - 1_000)), 'k1'),
        `grants issued before ${iso(T0)} are refused`,
      )
      assert.equal(state.refusalOf(claims(issued(T0)), 'k1'), undefined)
    })
  }

  it('refuses what was issued before a time only for the key and the release named', () => {
    const state = stateOf(
      { kind: 'grant-key', key: key('k2') },
      { kind: 'refuse-before', scope: 'key', value: 'k1', before: iso(T0) },
      { kind: 'refuse-before', scope: 'release', value: BOOK, before: iso(T0) },
    )
    assert.equal(state.refusalOf(claims(issued(T0 - 1_000)), 'k2'), undefined)
  })

  it('never takes back a time before which grants are refused', () => {
    const state = stateOf(
      { kind: 'refuse-before', scope: 'all', value: '', before: iso(T0) },
      { kind: 'refuse-before', scope: 'all', value: '', before: iso(T0 - hours(1)) },
    )
    assert.match(state.refusalOf(claims(issued(T0 - 1_000)), 'k1') ?? '', /issued before/)
  })

  it('forgets such a time when no grant from before it can be alive', () => {
    const state = stateOf({ kind: 'refuse-before', scope: 'all', value: '', before: iso(T0) })
    state.apply(answer(2, [], T0 + limits.grantLifeMax + minutes(2)))
    assert.equal(state.refusalOf(claims(issued(T0 - 1_000)), 'k1'), undefined)
  })

  it('gives the peers of a grant as told, else the default', () => {
    const state = stateOf({ kind: 'grant-peers', id: issued(T0), peersMax: 40, until: iso(T0 + hours(1)) })
    assert.equal(state.peersMaxOf(issued(T0)), 40)
    assert.equal(state.peersMaxOf(issued(T0, 1)), limits.peersPerGrantDefault)
    state.apply(answer(2, [], T0 + hours(2)))
    assert.equal(state.peersMaxOf(issued(T0)), limits.peersPerGrantDefault)
  })

  it('lists who serves a release, origins first', () => {
    const state = stateOf(serves(MIRROR, 'mirror', [FILM]), serves(ORIGIN, 'origin', [FILM, BOOK]))
    assert.deepEqual(
      state.originsOf(FILM).map((peer) => peer.role),
      ['origin', 'mirror'],
    )
    assert.deepEqual(state.originsOf(BOOK), [
      { peerId: ORIGIN, role: 'origin', host: '10.0.0.1', port: 16_881 },
    ])
  })

  it('adds to what a peer served, and moves all of it when the peer moves', () => {
    const state = stateOf(serves(ORIGIN, 'origin', [FILM]), serves(ORIGIN, 'origin', [BOOK], 20_000))
    assert.equal(state.originsOf(FILM)[0]?.port, 20_000)
    assert.equal(state.originsOf(BOOK)[0]?.port, 20_000)
  })

  it('forgets what a peer no longer serves: some of it, or all', () => {
    const state = stateOf(serves(ORIGIN, 'origin', [FILM, BOOK]), {
      kind: 'serves-not',
      peerId: ORIGIN,
      infohashes: [FILM],
    })
    assert.deepEqual(state.originsOf(FILM), [])
    assert.equal(state.originsOf(BOOK).length, 1)
    state.apply(answer(2, [{ kind: 'serves-not', peerId: ORIGIN }]))
    assert.deepEqual(state.originsOf(BOOK), [])
    state.apply(answer(3, [{ kind: 'serves-not', peerId: ORIGIN }]))
    assert.deepEqual(state.originsOf(BOOK), [])
  })

  it('wants a release until an origin has it or it is recalled', () => {
    const state = stateOf({ kind: 'wanted', infohash: FILM }, { kind: 'wanted', infohash: BOOK })
    state.apply(answer(2, [serves(MIRROR, 'mirror', [FILM])]))
    assert.deepEqual(state.wanted(), [FILM, BOOK])
    state.apply(answer(3, [serves(ORIGIN, 'origin', [FILM]), { kind: 'recalled', infohash: BOOK }]))
    assert.deepEqual(state.wanted(), [])
    state.apply(answer(4, [{ kind: 'wanted', infohash: BOOK }]))
    assert.deepEqual(state.wanted(), [])
  })

  it('takes over the epoch', () => {
    assert.equal(stateOf({ kind: 'epoch', epoch: 7 }).epoch, 7)
  })

  it('begins anew with a snapshot', () => {
    const state = stateOf(
      { kind: 'grant-revoked', id: issued(T0), until: iso(T0 + hours(1)) },
      { kind: 'refuse-before', scope: 'all', value: '', before: iso(T0 + hours(1)) },
      { kind: 'recalled', infohash: FILM },
      { kind: 'wanted', infohash: BOOK },
      { kind: 'epoch', epoch: 3 },
      serves(ORIGIN, 'origin', [FILM]),
    )
    state.apply({ ...answer(9, [{ kind: 'grant-key', key: key('k2') }]), snapshot: true })
    assert.equal(state.refusalOf(claims(issued(T0)), 'k2'), undefined)
    assert.deepEqual([...state.grantKeys().keys()], ['k2'])
    assert.deepEqual(state.wanted(), [])
    assert.deepEqual(state.originsOf(FILM), [])
    assert.equal(state.epoch, 0)
    assert.equal(state.seq, 9)
  })

  it('tells its listeners after it has changed, and no longer once they left', () => {
    const state = stateOf()
    const heard: (readonly ControlEvent[])[] = []
    const leave = state.onChange((events) => {
      heard.push(events)
      assert.equal(state.epoch, 5)
    })
    state.apply(answer(2, [{ kind: 'epoch', epoch: 5 }]))
    state.apply(answer(3, []))
    leave()
    state.apply(answer(4, [{ kind: 'epoch', epoch: 6 }]))
    assert.deepEqual(heard, [[{ kind: 'epoch', epoch: 5 }]])
  })

  it('takes the keys of a portal that changes them each hour and gives grants for a month', () => {
    const state = stateOf()
    const keys = Array.from({ length: 30 * 24 }, (_, i) => key(`h${i}`))
    state.apply(
      answer(
        2,
        keys.map((one): ControlEvent => ({ kind: 'grant-key', key: one })),
      ),
    )
    assert.equal(state.grantKeys().size, 1 + keys.length)
  })

  it('refuses an answer with too many keys whole', () => {
    const state = stateOf()
    const events = Array.from({ length: 10_001 }, (_, i): ControlEvent => ({
      kind: 'grant-key',
      key: key(`n${i}`),
    }))
    assert.throws(() => state.apply(answer(2, events)), refused('over-limit'))
    assert.deepEqual([...state.grantKeys().keys()], ['k1'])
    assert.equal(state.seq, 1)
  })

  it('refuses more than a million entries of a kind', () => {
    const state = stateOf()
    const one = Array.from({ length: limits.presenceHashesMax }, (_, i) =>
      infoHash(i.toString(16).padStart(40, '0')),
    )
    const events = Array.from({ length: 500 }, (): ControlEvent => serves(ORIGIN, 'origin', one))
    assert.throws(() => state.apply(answer(2, events)), refused('over-limit'))
    assert.deepEqual(state.originsOf(infoHash('0'.repeat(40))), [])
  })
})
