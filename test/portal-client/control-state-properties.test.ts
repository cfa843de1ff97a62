import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deviceId } from '../../src/core/ids.ts'
import type { ControlState } from '../../src/portal-client/index.ts'
import { zControlEvent, type ControlEvent } from '../../src/wire/control.ts'
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

describe('ControlState, for any events', () => {
  it('comes to the same state by one answer or by many', () => {
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 30 }), (events) => {
        const atOnce = stateOf(...events)
        const oneByOne = stateOf()
        events.forEach((event, i) => oneByOne.apply(answer(2 + i, [event])))
        assert.deepEqual(pictureOf(oneByOne), pictureOf(atOnce))
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
    )
  })

  it('is exercised with every kind of event', () => {
    const kinds = new Set(fc.sample(someEvent, 1_000).map((event) => event.kind))
    assert.deepEqual(kinds, new Set(zControlEvent.options.map((option) => option.shape.kind.value)))
  })
})
const RELEASES = [FILM, BOOK]
const GRANTS = [0, 1, 2].map((n) => issued(T0 + n * 1_000, n))
const someGrant = fc.constantFrom(...GRANTS)
const someRelease = fc.constantFrom(...RELEASES)
const someTime = fc.integer({ min: 0, max: 5 }).map((n) => iso(T0 + n * 1_000))
const somePeer = fc.constantFrom(ORIGIN, MIRROR)
const someEvent: fc.Arbitrary<ControlEvent> = fc.oneof(
  fc.constantFrom('k1', 'k2').map((kid): ControlEvent => ({ kind: 'grant-key', key: key(kid) })),
  fc.constantFrom('k1', 'k2').map((kid): ControlEvent => ({ kind: 'grant-key-retired', kid })),
  fc.tuple(someGrant, someTime).map(([id, until]): ControlEvent => ({ kind: 'grant-revoked', id, until })),
  fc
    .tuple(fc.constantFrom('abcdefghijklmnopqrstuw', 'zbcdefghijklmnopqrstuw').map(deviceId), someTime)
    .map(([device, until]): ControlEvent => ({ kind: 'device-revoked', device, until })),
  fc
    .tuple(fc.constantFrom(...scopesFor()), someTime)
    .map(([scope, before]): ControlEvent => ({ kind: 'refuse-before', ...scope, before })),
  someRelease.map((infohash): ControlEvent => ({ kind: 'recalled', infohash })),
  fc
    .tuple(someGrant, fc.integer({ min: 1, max: 9 }), someTime)
    .map(([id, peersMax, until]): ControlEvent => ({ kind: 'grant-peers', id, peersMax, until })),
  fc
    .tuple(somePeer, fc.subarray(RELEASES), fc.constantFrom(2_000, 3_000))
    .map(([peer, hashes, port]) => serves(peer, peer === ORIGIN ? 'origin' : 'mirror', hashes, port)),
  fc
    .tuple(somePeer, fc.option(fc.subarray(RELEASES), { nil: undefined }))
    .map(([peer, infohashes]): ControlEvent => ({ kind: 'serves-not', peerId: peer, infohashes })),
  someRelease.map((infohash): ControlEvent => ({ kind: 'wanted', infohash })),
  fc.nat(9).map((epoch): ControlEvent => ({ kind: 'epoch', epoch })),
)

function scopesFor(): { scope: 'all' | 'key' | 'release'; value: string }[] {
  return [
    { scope: 'all', value: '' },
    { scope: 'key', value: 'k1' },
    { scope: 'release', value: FILM },
  ]
}

/** All that a state answers about the few things that the events name; peers in no promised order. */
function pictureOf(state: ControlState): unknown {
  const refusals = GRANTS.flatMap((id) =>
    RELEASES.flatMap((release) => ['k1', 'k2'].map((kid) => state.refusalOf(claims(id, release), kid))),
  )
  return {
    refusals,
    keys: new Set(state.grantKeys().keys()),
    epoch: state.epoch,
    peersMax: GRANTS.map((id) => state.peersMaxOf(id)),
    origins: RELEASES.map((release) => new Set(state.originsOf(release))),
    wanted: new Set(state.wanted()),
  }
}
