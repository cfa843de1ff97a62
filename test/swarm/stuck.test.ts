/** Ways in which a download could stand still for ever, one by one. */
import assert from 'node:assert/strict'
import { MiB, bytesPerSecond, KiB, seconds } from '../../src/core/units.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { encodePeerMessage } from '../../src/wire/peer-message.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { holdsAll, isComplete, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

const idOf = (text: string): string => Buffer.from(text.padEnd(20)).toString('hex')

describe('a download', () => {
  it('is not held up by large pieces whose only source left in the middle of them', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(18 * MiB, { pieceLength: 9 * MiB })
    const [content] = [...made.contents.values()]
    assert.ok(content)
    const puppets: Puppet[] = []
    /** Has one piece, and gives so many blocks. */
    const listen = (host: string, bits: number, blocks: number): ReturnType<typeof Puppet.listen> => {
      let left = blocks
      return Puppet.listen(swarm.network, host, {
        infoHash: made.torrent.infoHash,
        id: idOf(host),
        onMessage(message, puppet) {
          if (message.kind === 'have-none')
            puppet.say({ kind: 'bitfield', bits: Uint8Array.of(bits) }, { kind: 'unchoke' })
          if (message.kind === 'interested') puppets.push(puppet)
          if (message.kind !== 'request') return
          const at = message.piece * 9 * MiB + message.offset
          const block = content.slice(at, at + message.length)
          if (left-- > 0) puppet.say({ kind: 'piece', piece: message.piece, offset: message.offset, block })
        },
      })
    }
    const leaver = await listen('10.0.0.66', 0x80, 100)
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [leaver] })
    assert.ok(await swarm.until(() => handle.peers()[0]?.receivedBytes === 100 * 16 * KiB, seconds(10)))
    swarm.network.unplug(leaver)
    puppets[0]?.hangUp()
    assert.ok(await swarm.until(() => handle.peers().length === 0, seconds(5)))
    handle.addPeers([await listen('10.0.0.67', 0x40, Infinity)])
    assert.ok(await swarm.until(() => handle.stats().haveBytes === 9 * MiB, seconds(120)))
  })

  it('does not give a piece that must come from one peer to a silent one again and again', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB, { pieceLength: 4 * MiB })
    const [content] = [...made.contents.values()]
    assert.ok(content)
    const silent = await Puppet.listen(swarm.network, '10.0.0.65', {
      infoHash: made.torrent.infoHash,
      id: idOf('silent'),
      onMessage(message, puppet) {
        if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
      },
    })
    let lies = 1
    const bad = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: made.torrent.infoHash,
      id: idOf('bad'),
      onMessage(message, puppet) {
        if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
        if (message.kind !== 'request' || lies-- <= 0) return
        const block = content.slice(message.offset, message.offset + message.length)
        block[0] = (block[0] ?? 0) ^ 0xff
        puppet.say({ kind: 'piece', piece: 0, offset: message.offset, block })
      },
    })
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [silent] })
    assert.ok(await swarm.until(() => handle.peers().length === 1, seconds(5)))
    handle.addPeers([bad])
    assert.ok(await swarm.until(() => handle.peers().length === 2, seconds(5)))
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(512 * KiB) })
    seed.add(made, { mode: 'seed' })
    handle.addPeers([seed.endpoint])
    assert.ok(
      await swarm.until(() => handle.stats().hasFailedHashes > 0, seconds(100)),
      'the piece was spoiled',
    )
    assert.ok(await swarm.until(() => isComplete(peer), seconds(70)))
    assert.ok(holdsAll(peer, made))
  })

  it('still dials who may have something when dozens who have nothing dialled it', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download' })
    const dialling = Array.from({ length: 70 }, (_, i) =>
      Puppet.dial(swarm.network, peer.endpoint, `10.0.1.${String(i + 1)}`, {
        infoHash: made.torrent.infoHash,
        id: idOf(`idle ${String(i)}`),
      }),
    )
    assert.ok(await swarm.until(() => handle.peers().length === 70, seconds(5)))
    await Promise.all(dialling)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    handle.addPeers([seed.endpoint])
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
  })

  it('fails with a sentence when its own description cannot be used', async () => {
    await using swarm = new SimulatedSwarm()
    const info = Buffer.from(
      'd6:lengthi5e4:name2:..12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa7:privatei1ee',
    )
    const { createHash } = await import('node:crypto')
    const { infoHash } = await import('../../src/core/ids.ts')
    const hash = infoHash(createHash('sha1').update(info).digest('hex'))
    const giver = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: hash,
      onMessage(message, puppet) {
        if (message.kind !== 'extended') return
        const size = String(info.length)
        const text =
          message.id === 0
            ? `d1:md11:ut_metadatai2ee13:metadata_sizei${size}ee`
            : `d8:msg_typei1e5:piecei0e10:total_sizei${size}ee`
        const payload = Buffer.concat([Buffer.from(text), message.id === 0 ? Buffer.alloc(0) : info])
        puppet.say({ kind: 'extended', id: message.id === 0 ? 0 : 2, payload })
      },
    })
    const peer = await swarm.peer('10.0.0.2')
    peer.engine.add({
      infoHash: hash,
      folder: 'files',
      statePath: 'state',
      mode: 'download',
      peers: [giver],
      onEvent: (event) => peer.events.push(event),
    })
    assert.ok(await swarm.until(() => peer.events.some((e) => e.kind === 'failed'), seconds(30)))
  })

  it('hears which files are wanted before it opens any, also when the metadata comes from a peer', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ 'a.bin': 50_000, 'b.bin': 70_000 })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    let chosen = ''
    peer.engine.add({
      infoHash: made.torrent.infoHash,
      folder: 'files',
      statePath: 'state',
      mode: 'download',
      peers: [seed.endpoint],
      wants: (path) => path.endsWith(chosen),
      onEvent(event) {
        peer.events.push(event)
        if (event.kind === 'metadata') chosen = 'b.bin'
      },
    })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
    assert.deepEqual([...peer.storage.files.keys()], [`files/${made.torrent.metainfo.name}/b.bin`])
  })

  it('leaves no socket open when it is stopped, also not one that waits for a handshake', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    let open = 0
    const listener = await swarm.network.listen({ host: '10.0.0.66', port: 7_000 }, (connection) => {
      open++
      connection.setHandler({
        onData: () => undefined,
        onDrain: () => undefined,
        onClose: () => open--,
      })
    })
    const peer = await swarm.peer('10.0.0.2')
    const { ipAddress } = await import('../../src/core/address.ts')
    const handle = peer.add(made, {
      mode: 'download',
      peers: [{ host: ipAddress('10.0.0.66'), port: listener.port }],
    })
    assert.ok(await swarm.until(() => open === 1, seconds(5)))
    await swarm.run(seconds(1))
    await handle.stop()
    await swarm.run(seconds(0.1))
    assert.equal(open, 0)
  })

  it('asks again for a block that came only after it had been taken back and asked for anew', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(32 * KiB)
    const [content] = [...made.contents.values()]
    assert.ok(content)
    /** The first answer stops in the middle of a block until a second request for it is there. */
    let rest: Uint8Array | undefined
    const asked: number[] = []
    const slow = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: made.torrent.infoHash,
      id: idOf('slow'),
      onMessage(message, puppet) {
        if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
        if (message.kind !== 'request') return
        asked.push(message.offset)
        const { piece, offset, length } = message
        const block = content.slice(offset, offset + length)
        const bytes = encodePeerMessage({ kind: 'piece', piece, offset, block })
        if (asked.length === 1) {
          puppet.raw(bytes.slice(0, 1_000))
          rest = bytes.slice(1_000)
        } else if (rest !== undefined && offset === asked[0]) {
          puppet.raw(rest)
          rest = undefined
        } else if (rest === undefined) {
          puppet.raw(bytes)
        }
      },
    })
    const peer = await swarm.peer('10.0.0.2')
    peer.add(made, { mode: 'download', peers: [slow] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(120)), asked.join(' '))
    assert.ok(holdsAll(peer, made))
  })

  it('counts a peer of its site that says what it has only after the content was checked', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const [content] = [...made.contents.values()]
    assert.ok(content)
    let seed: Puppet | undefined
    const late = await Puppet.listen(swarm.network, '10.0.0.66', {
      infoHash: made.torrent.infoHash,
      id: idOf('late'),
      onMessage(message, puppet) {
        seed ??= puppet
        if (message.kind !== 'request') return
        const { piece, offset, length } = message
        const at = piece * 32_768 + offset
        puppet.say({ kind: 'piece', piece, offset, block: content.slice(at, at + length) })
      },
    })
    const gate = Promise.withResolvers<undefined>()
    const storage = new MemoryStorage()
    storage.loadState = () => gate.promise
    const peer = await swarm.peer('10.0.0.2', { storage })
    const handle = peer.add(made, { mode: 'download', peers: [late] })
    assert.ok(await swarm.until(() => handle.peers().length === 1, seconds(5)))
    gate.resolve(undefined)
    await swarm.run(seconds(2))
    seed?.say({ kind: 'have-all' }, { kind: 'unchoke' })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
  })
})
