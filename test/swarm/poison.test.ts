import assert from 'node:assert/strict'
import type { Endpoint } from '../../src/core/address.ts'
import { MiB, bytesPerSecond, KiB, seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { Puppet } from '../support/puppet-peer.ts'
import {
  holdsAll,
  isComplete,
  type MadeTorrent,
  makeTorrent,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

/** Says that it has everything, and answers every request: `spoils` says which block it changes. */
function liar(
  swarm: SimulatedSwarm,
  host: string,
  made: MadeTorrent,
  spoils: (piece: number, offset: number) => boolean,
): Promise<Endpoint> {
  const [content] = [...made.contents.values()]
  assert.ok(content)
  return Puppet.listen(swarm.network, host, {
    infoHash: made.torrent.infoHash,
    id: Buffer.from(host.padEnd(20)).toString('hex'),
    onMessage(message, puppet) {
      if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
      if (message.kind !== 'request') return
      const at = message.piece * made.torrent.metainfo.pieceLength + message.offset
      const block = content.slice(at, at + message.length)
      if (spoils(message.piece, message.offset)) block[0] = (block[0] ?? 0) ^ 0xff
      puppet.say({ kind: 'piece', piece: message.piece, offset: message.offset, block })
    },
  })
}

describe('a poisoner', () => {
  it('beside an honest seed is banned after its strikes, and costs a few pieces at most', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const bad = await liar(swarm, '10.0.0.66', made, () => true)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(512 * KiB) })
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [bad, seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, made))
    assert.equal(handle.stats().hasFailedHashes, limits.hashStrikesMax)
    assert.ok(
      handle.stats().wastedBytes <= 4 * 32_768 + 64 * KiB,
      `${handle.stats().wastedBytes} bytes wasted`,
    )
    const bans = peer.events.filter((event) => event.kind === 'peer-banned')
    assert.deepEqual(
      bans.map((event) => event.address),
      ['10.0.0.66'],
    )
  })

  it('is told from the honest peer that gave other blocks of the same piece', async () => {
    await using swarm = new SimulatedSwarm()
    // One piece of 256 blocks: both peers work on it.
    const made = makeTorrent(4 * MiB, { pieceLength: 4 * MiB })
    const bad = await liar(swarm, '10.0.0.66', made, (_piece, offset) => offset >= 2 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(512 * KiB) })
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.add(made, { mode: 'download', peers: [bad, seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(300)))
    assert.ok(holdsAll(peer, made))
    for (const event of peer.events)
      if (event.kind === 'peer-banned') assert.equal(event.address, '10.0.0.66')
  })

  it('never keeps a download from completing, even five of them beside one honest seed', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const bad = await Promise.all(
      [1, 2, 3, 4, 5].map((i) => liar(swarm, `10.0.1.${String(i)}`, made, () => true)),
    )
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.add(made, { mode: 'download', peers: [...bad, seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(120)))
    assert.ok(holdsAll(peer, made))
  })

  it('that is silent after it was asked loses its requests to others', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const silent = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: made.torrent.infoHash,
      onMessage(message, puppet) {
        if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
      },
    })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.add(made, { mode: 'download', peers: [silent, seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(45)))
  })

  it('that lies about the metadata is banned, and the metadata comes from somebody else', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(100_000)
    const size = made.torrent.infoBytes.length
    const bad = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: made.torrent.infoHash,
      onMessage(message, puppet) {
        if (message.kind !== 'extended') return
        if (message.id === 0) {
          const hello = `d1:md11:ut_metadatai2ee13:metadata_sizei${String(size)}ee`
          puppet.say({ kind: 'extended', id: 0, payload: Buffer.from(hello) })
        } else {
          const head = `d8:msg_typei1e5:piecei0e10:total_sizei${String(size)}ee`
          puppet.say({
            kind: 'extended',
            id: 2,
            payload: Buffer.concat([Buffer.from(head), Buffer.alloc(size, 1)]),
          })
        }
      },
    })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.engine.add({
      infoHash: made.torrent.infoHash,
      folder: 'files',
      statePath: 'state',
      mode: 'download',
      peers: [bad, seed.endpoint],
      onEvent: (event) => peer.events.push(event),
    })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, made))
  })
})
