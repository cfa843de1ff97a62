import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import { BLOCK_BYTES, type PieceIndex } from '../../src/core/piece-layout.ts'
import type { Channel } from '../../src/web/engine/channel.ts'
import { Uploads } from '../../src/web/engine/uploads.ts'
import { ViewerPeer } from '../../src/web/engine/viewer-peer.ts'
import { decodePeerMessage } from '../../src/wire/peer-message.ts'
import { ManualClock } from '../support/manual-clock.ts'

const LENGTH_BYTES = 4

describe('What one who watches sends to colleagues', () => {
  it('is a message for each block: of a data channel each costs both sides', async () => {
    const sent: Uint8Array[] = []
    const channel: Channel = {
      isOffered: false,
      addresses: [],
      queuedBytes: 0,
      setHandler: () => undefined,
      send: (bytes) => void sent.push(bytes),
      close: () => undefined,
    }
    const id = peerIdOfBytes(Buffer.from('-SW0100-'.padEnd(20)))
    const peer = new ViewerPeer(channel, { id, hasFast: true, pieces: 10, now: 0 })
    const block = new Uint8Array(Buffer.alloc(BLOCK_BYTES, 'film'))
    const uploads = new Uploads({
      clock: new ManualClock(),
      random: () => 0,
      peers: () => [peer],
      read: () => Promise.resolve(block),
      onSent: () => undefined,
    })
    peer.isInterested = true
    uploads.review()
    sent.length = 0 // it may ask now
    const piece = 3 as PieceIndex
    for (const offset of [0, BLOCK_BYTES]) uploads.asked(peer, { piece, offset, length: BLOCK_BYTES })
    await setImmediate()
    assert.deepEqual(
      sent.map((message) => decodePeerMessage(message.subarray(LENGTH_BYTES))),
      [0, BLOCK_BYTES].map((offset) => ({ kind: 'piece', piece, offset, block })),
    )
  })
})
