import assert from 'node:assert/strict'
import { bytesOf } from '../../src/core/ids.ts'
import { MiB, minutes, seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import type { Connection } from '../../src/swarm/network.ts'
import { ipAddress } from '../../src/core/address.ts'
import { Puppet, type PuppetOptions } from '../support/puppet-peer.ts'
import { type MadeTorrent, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

const signal = new AbortController().signal

interface Scene extends AsyncDisposable {
  readonly swarm: SimulatedSwarm
  readonly made: MadeTorrent
  readonly dial: (options?: Partial<PuppetOptions>, from?: string) => Promise<Puppet>
  /** A connection that says nothing by itself. */
  readonly knock: (from?: string) => Promise<{ connection: Connection; isClosed: () => boolean }>
  readonly peerId: Uint8Array
  readonly connected: () => number
}

async function seedScene(): Promise<Scene> {
  const swarm = new SimulatedSwarm()
  const made = makeTorrent(1 * MiB)
  const seed = await swarm.peer('10.0.0.1')
  const handle = seed.add(made, { mode: 'seed' })
  const settle = async <T>(dialling: Promise<T>): Promise<T> => {
    await swarm.run(seconds(0.1))
    return dialling
  }
  return {
    swarm,
    made,
    peerId: bytesOf(seed.engine.peerId),
    connected: () => handle.peers().length,
    dial: (options = {}, from = '10.0.0.9') =>
      settle(
        Puppet.dial(swarm.network, seed.endpoint, from, { infoHash: made.torrent.infoHash, ...options }),
      ),
    async knock(from = '10.0.0.9') {
      const connection = await settle(swarm.network.dial(seed.endpoint, ipAddress(from), signal))
      let isClosed = false
      connection.setHandler({
        onData: () => undefined,
        onDrain: () => undefined,
        onClose: () => (isClosed = true),
      })
      return { connection, isClosed: () => isClosed }
    },
    [Symbol.asyncDispose]: () => swarm[Symbol.asyncDispose](),
  }
}

describe('an engine that seeds', () => {
  it('hangs up at once on a first byte that is not 19', async () => {
    await using scene = await seedScene()
    const { connection, isClosed } = await scene.knock()
    connection.write(new Uint8Array(96))
    await scene.swarm.run(seconds(0.1))
    assert.ok(isClosed())
  })

  it('hangs up on who says nothing within the time for a handshake', async () => {
    await using scene = await seedScene()
    const { connection, isClosed } = await scene.knock()
    connection.write(Uint8Array.of(19))
    await scene.swarm.run(seconds(9))
    assert.ok(!isClosed())
    await scene.swarm.run(seconds(2))
    assert.ok(isClosed())
  })

  it('still hangs up on a peer that has fallen silent, long after nobody had come', async () => {
    await using scene = await seedScene()
    await scene.swarm.run(minutes(5))
    const puppet = await scene.dial()
    await scene.swarm.run(limits.peerSilenceMax)
    assert.ok(!puppet.isClosed)
    await scene.swarm.run(seconds(3))
    assert.ok(puppet.isClosed)
  })

  it('takes a bounded number of silent sockets from one address, and still hears others', async () => {
    await using scene = await seedScene()
    const knocks = await Promise.all(Array.from({ length: 80 }, () => scene.knock('10.0.0.66')))
    await scene.swarm.run(seconds(0.1))
    const kept = knocks.filter((knock) => !knock.isClosed()).length
    assert.equal(kept, limits.unauthenticatedSocketsPerAddressMax)
    const puppet = await scene.dial()
    assert.ok(puppet.kinds().includes('have-all'))
  })

  it('hangs up on who asks for a torrent that it does not have', async () => {
    await using scene = await seedScene()
    const puppet = await scene.dial({ infoHash: makeTorrent(10, { seed: 99 }).torrent.infoHash })
    assert.ok(puppet.isClosed)
  })

  it('hangs up on itself', async () => {
    await using scene = await seedScene()
    const puppet = await scene.dial({ id: Buffer.from(scene.peerId).toString('hex') })
    assert.ok(puppet.isClosed)
  })

  it('keeps one connection of a peer that connects twice', async () => {
    await using scene = await seedScene()
    const first = await scene.dial()
    const second = await scene.dial()
    const stranger = await scene.dial({}, '10.0.0.77')
    assert.deepEqual([first.isClosed, second.isClosed, stranger.isClosed], [true, false, true])
    assert.equal(scene.connected(), 1)
  })

  it('serves an interested peer, and only whole blocks that are in the torrent', async () => {
    await using scene = await seedScene()
    const blocks: Uint8Array[] = []
    const puppet = await scene.dial({ onBlock: (_piece, _offset, block) => blocks.push(block) })
    puppet.say({ kind: 'interested' })
    await scene.swarm.run(seconds(0.1))
    assert.ok(puppet.kinds().includes('unchoke'))
    puppet.say({ kind: 'request', piece: 3, offset: 16_384, length: 16_384 })
    await scene.swarm.run(seconds(0.5))
    const [content] = [...scene.made.contents.values()]
    assert.deepEqual(blocks, [content?.slice(3 * 32_768 + 16_384, 4 * 32_768)])
    puppet.say({ kind: 'request', piece: 32, offset: 0, length: 16_384 })
    await scene.swarm.run(seconds(0.1))
    assert.ok(puppet.isClosed, 'there is no piece 32')
  })

  it('rejects requests of a choked peer that knows the word', async () => {
    await using scene = await seedScene()
    const puppet = await scene.dial()
    puppet.say({ kind: 'request', piece: 0, offset: 0, length: 16_384 })
    await scene.swarm.run(seconds(0.5))
    assert.ok(puppet.kinds().includes('reject'))
  })

  it('rejects requests over 16 KiB and hangs up over 128 KiB', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB, { pieceLength: 512 * 1024 })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const dialling = Puppet.dial(swarm.network, seed.endpoint, '10.0.0.9', {
      infoHash: made.torrent.infoHash,
    })
    await swarm.run(seconds(0.1))
    const puppet = await dialling
    puppet.say({ kind: 'interested' }, { kind: 'request', piece: 0, offset: 0, length: 32_768 })
    await swarm.run(seconds(0.1))
    assert.ok(puppet.kinds().includes('reject'))
    puppet.say({ kind: 'request', piece: 0, offset: 0, length: 256 * 1024 })
    await swarm.run(seconds(0.1))
    assert.ok(puppet.isClosed)
  })

  it('stops sending to who asks for much and reads nothing', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(8 * MiB, { pieceLength: 1 * MiB })
    const seed = await swarm.peer('10.0.0.1')
    const handle = seed.add(made, { mode: 'seed' })
    const dialling = Puppet.dial(swarm.network, seed.endpoint, '10.0.0.9', {
      infoHash: made.torrent.infoHash,
    })
    await swarm.run(seconds(0.1))
    const puppet = await dialling
    puppet.pause()
    puppet.say({ kind: 'interested' })
    await swarm.run(seconds(0.1))
    for (let i = 0; i < 1_500; i++)
      puppet.say({ kind: 'request', piece: i % 8, offset: (i % 64) * 16_384, length: 16_384 })
    await swarm.run(seconds(20))
    assert.ok(
      handle.stats().uploadedBytes <= limits.sendQueueBytesMax,
      `${handle.stats().uploadedBytes} queued`,
    )
  })

  it('hangs up on who is silent for too long, and keeps who says keep-alive', async () => {
    await using scene = await seedScene()
    const silent = await scene.dial()
    const polite = await scene.dial({ id: 'cd'.repeat(20) }, '10.0.0.10')
    for (let i = 0; i < 6; i++) {
      polite.say({ kind: 'keep-alive' })
      await scene.swarm.run(minutes(0.5))
    }
    assert.deepEqual([silent.isClosed, polite.isClosed], [true, false])
    assert.ok(polite.kinds().includes('keep-alive'), 'and says it too')
  })
})
