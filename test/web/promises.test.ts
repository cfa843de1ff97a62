import assert from 'node:assert/strict'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { millis } from '../../src/core/units.ts'
import type { Channel } from '../../src/web/engine/channel.ts'
import { Promises } from '../../src/web/engine/promises.ts'
import { ViewerPeer } from '../../src/web/engine/viewer-peer.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SILENT: Channel = {
  isOffered: false,
  addresses: [],
  queuedBytes: 0,
  setHandler: () => undefined,
  send: () => undefined,
  close: () => undefined,
}
const PIECE = 3 as PieceIndex

/** Somebody of that name, with another connection each time. */
const comes = (name: string): ViewerPeer =>
  new ViewerPeer(SILENT, {
    id: peerIdOfBytes(Buffer.from(name.padEnd(20))),
    hasFast: true,
    pieces: 10,
    now: 0,
  })

describe('What colleagues say to fetch', () => {
  it('is believed of nobody who says so and goes, again and again, under one name', () => {
    const clock = new ManualClock()
    const promises = new Promises(clock)
    for (let i = 0; i < 3; i++) {
      const peer = comes('-SW0100-liar')
      promises.heard(peer, PIECE)
      assert.equal(promises.heldForMs(PIECE, clock.now()), 0)
      promises.left(peer)
      assert.equal(promises.heldForMs(PIECE, clock.now()), undefined)
    }
    promises.heard(comes('-SW0100-liar'), PIECE)
    assert.equal(promises.heldForMs(PIECE, clock.now()), undefined)
    promises.heard(comes('-SW0100-honest'), PIECE)
    assert.equal(promises.heldForMs(PIECE, clock.now()), 0)
  })

  it('counts once for who goes with much of it under way', () => {
    const clock = new ManualClock()
    const promises = new Promises(clock)
    const peer = comes('-SW0100-leaves')
    for (let piece = 0; piece < 10; piece++) promises.heard(peer, piece as PieceIndex)
    promises.left(peer)
    clock.advance(millis(10))
    promises.heard(comes('-SW0100-leaves'), PIECE)
    assert.equal(promises.heldForMs(PIECE, clock.now()), 0)
  })
})
