import assert from 'node:assert/strict'
import { ShoalError } from '../../src/core/errors.ts'
import { KiB, MiB, bytesPerSecond, millis, seconds } from '../../src/core/units.ts'
import {
  holdsAll,
  isComplete,
  makeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'
import { MemoryStorage } from '../support/memory-storage.ts'

const kinds = (peer: SimulatedPeer): string[] => peer.events.map((event) => event.kind)

describe('a torrent', () => {
  it('known by its infohash only gets its metadata from a peer, then its content', async () => {
    await using swarm = new SimulatedSwarm()
    const names = Array.from(
      { length: 900 },
      (_, i) => [`a file with a long name ${String(i)}.bin`, 100] as const,
    )
    const made = makeTorrent(Object.fromEntries(names))
    assert.ok(made.torrent.infoBytes.length > 32 * KiB, 'the metadata should take several messages')
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const { torrent: _, ...spec } = { torrent: made.torrent, mode: 'download' as const }
    const handle = peer.engine.add({
      infoHash: made.torrent.infoHash,
      folder: 'files',
      statePath: 'state',
      peers: [seed.endpoint],
      onEvent: (event) => peer.events.push(event),
      ...spec,
    })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
    assert.ok(holdsAll(peer, made))
    assert.deepEqual(handle.torrent?.infoBytes, made.torrent.infoBytes)
    assert.equal(kinds(peer)[0], 'metadata')
  })

  it('fetches only the files that are wanted, and never claims a piece that it has in part', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ 'a.bin': 50_000, 'b.bin': 70_000, 'c.bin': 0, 'd.bin': 90_000 })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const wants = (path: string): boolean => path.endsWith('b.bin') || path.endsWith('c.bin')
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint], wants })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
    const name = made.torrent.metainfo.name
    assert.deepEqual([...peer.storage.files.keys()].sort(), [`files/${name}/b.bin`, `files/${name}/c.bin`])
    const b = made.contents.get(`${name}/b.bin`)
    assert.ok(
      b !== undefined &&
        Buffer.from(b).equals(peer.storage.files.get(`files/${name}/b.bin`)?.bytes ?? b.subarray(1)),
    )
    assert.equal(handle.stats().wantedBytes, 70_000)
    // Pieces 1 and 3 (of 32 KiB) also hold bytes of a.bin and d.bin: a peer may have only the one between.
    const late = await swarm.peer('10.0.0.3')
    const fetching = late.add(made, { mode: 'download', peers: [peer.endpoint] })
    assert.ok(await swarm.until(() => fetching.peers()[0]?.pieces === 1, seconds(10)))
    await swarm.run(seconds(5))
    assert.equal(fetching.stats().haveBytes, 32_768)
  })

  it('asks who unchoked it while it was checking as soon as it knows what it lacks', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(64 * KiB)
    // It serves whom it shows something, and is no colleague who would be greeted now.
    const seed = await swarm.peer('10.1.0.1', { reveal: true })
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const check = Promise.withResolvers<undefined>()
    peer.storage.held = check.promise
    peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    await swarm.run(millis(2_100))
    check.resolve(undefined)
    await new Promise((resolve) => setImmediate(resolve)) // before time moves on to the tick
    assert.ok(await swarm.until(() => isComplete(peer), millis(500)), 'not before the next tick')
  })

  it('resumes from its state without fetching again what it had', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(256 * KiB) })
    seed.add(made, { mode: 'seed' })
    const first = await swarm.peer('10.0.0.2')
    const before = first.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => before.stats().haveBytes > 1 * MiB))
    const had = before.stats().haveBytes
    await first.engine[Symbol.asyncDispose]()
    const second = await swarm.peer('10.0.0.2', { storage: first.storage })
    const after = second.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(second)))
    assert.ok(holdsAll(second, made))
    const { from } = after.stats()
    assert.equal(from.site + from.otherSites + from.origin, 2 * MiB - had)
    assert.ok(!kinds(second).includes('checking'), 'nothing had to be hashed again')
  })

  it('hashes again what was changed behind its back, and fetches only what is wrong', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const first = await swarm.peer('10.0.0.2')
    first.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(first)))
    await first.engine[Symbol.asyncDispose]()
    const path = `files/${made.torrent.metainfo.name}`
    const damaged = new Uint8Array(first.storage.files.get(path)?.bytes ?? [])
    damaged[70_000] = (damaged[70_000] ?? 0) ^ 1
    first.storage.put(path, damaged)
    const second = await swarm.peer('10.0.0.2', { storage: first.storage })
    const handle = second.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(second)))
    assert.ok(holdsAll(second, made))
    assert.equal(handle.stats().from.site, 32_768)
  })

  it('takes over equal files that were there before it', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const peer = await swarm.peer('10.0.0.2')
    for (const [path, bytes] of made.contents) peer.storage.put(`files/${path}`, bytes.slice())
    peer.add(made, { mode: 'download' })
    assert.ok(await swarm.until(() => isComplete(peer)))
  })

  it('refuses to write over a different file that is not its own, unless told to', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(100_000)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const path = `files/${made.torrent.metainfo.name}`
    const theirs = new Uint8Array(100_000).fill(1)
    peer.storage.put(path, theirs.slice())
    peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => kinds(peer).includes('failed')))
    const failed = peer.events.find((event) => event.kind === 'failed')
    assert.ok(failed?.error instanceof ShoalError && failed.error.code === 'conflict')
    assert.match(failed.error.message, /exists and is different/)
    assert.deepEqual(peer.storage.files.get(path)?.bytes, theirs)
    peer.add(made, { mode: 'download', peers: [seed.endpoint], overwrite: true })
    assert.ok(await swarm.until(() => isComplete(peer)))
    assert.ok(holdsAll(peer, made))
  })

  it('receives no more than 16 MiB that a disk which is behind has not taken, and goes on with it', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(40 * MiB, { pieceLength: 256 * KiB })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const disk = Promise.withResolvers<undefined>()
    peer.storage.writesHeld = disk.promise
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    const received = (): number => handle.peers()[0]?.receivedBytes ?? 0
    assert.ok(await swarm.until(() => received() >= 8 * MiB, seconds(30)))
    await swarm.run(seconds(20))
    const unwritten = received()
    disk.resolve(undefined)
    assert.ok(unwritten <= 16 * MiB, `${unwritten} bytes would be lost`)
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, made))
  })

  it('pauses while the disk refuses, says why, and goes on when it takes bytes again', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(512 * KiB) })
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => handle.stats().haveBytes > 256 * KiB))
    peer.storage.failure = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    assert.ok(await swarm.until(() => kinds(peer).includes('storage-failed'), seconds(2)))
    await swarm.run(seconds(20))
    const stuck = handle.stats().haveBytes
    await swarm.run(seconds(20))
    assert.equal(handle.stats().haveBytes, stuck)
    peer.storage.failure = undefined
    assert.ok(await swarm.until(() => kinds(peer).includes('storage-resumed'), seconds(10)))
    assert.ok(await swarm.until(() => isComplete(peer)))
    assert.ok(holdsAll(peer, made))
    const failures = peer.events.filter((event) => event.kind === 'storage-failed')
    assert.deepEqual(
      failures.map((event) => event.reason),
      ['the disk is full, it goes on when there is room'],
    )
  })

  it('brings what it wrote to the disk while the rest arrives', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(200 * MiB, { pieceLength: 1 * MiB })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer)))
    assert.ok(peer.storage.syncs >= 3, `${peer.storage.syncs} syncs`)
  })

  it('claims nothing any more when the disk lost what it had taken', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(200 * MiB, { pieceLength: 1 * MiB })
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2')
    peer.storage.syncFailure = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => kinds(peer).includes('failed')))
    assert.ok(handle.stats().haveBytes < 200 * MiB, 'it heard of it in the middle')
    await handle.stop()
    peer.storage.syncFailure = undefined
    const again = peer.add(made, { mode: 'download', overwrite: true })
    assert.ok(await swarm.until(() => kinds(peer).filter((kind) => kind === 'checked').length === 2))
    assert.equal(again.stats().haveBytes, 0)
    await again.stop()
  })

  it('does not take a piece for spoilt that the system would not let it read, and gives it later', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    seed.storage.readFailure = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    await swarm.run(seconds(15))
    assert.equal(handle.stats().haveBytes, 0)
    assert.deepEqual(kinds(seed), [])
    seed.storage.readFailure = undefined
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
  })

  it('never sends a piece that rotted on the disk, and says which file it was', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const rotten = await swarm.peer('10.0.0.1')
    rotten.add(made, { mode: 'seed' })
    const file = rotten.storage.files.get(`files/${made.torrent.metainfo.name}`)
    assert.ok(file)
    file.bytes[100_000] = (file.bytes[100_000] ?? 0) ^ 0xff
    const peer = await swarm.peer('10.0.0.2')
    const handle = peer.add(made, { mode: 'download', peers: [rotten.endpoint] })
    assert.ok(await swarm.until(() => handle.stats().haveBytes === 1 * MiB - 32_768, seconds(60)))
    await swarm.run(seconds(5))
    assert.equal(handle.stats().hasFailedHashes, 0)
    assert.equal(handle.peers()[0]?.pieces, 31, 'lt_donthave took the piece back')
    const changed = rotten.events.find((event) => event.kind === 'content-changed')
    assert.equal(changed?.landingPath, made.torrent.metainfo.name)
    const good = await swarm.peer('10.0.0.3')
    good.add(made, { mode: 'seed' })
    handle.addPeers([good.endpoint])
    assert.ok(await swarm.until(() => isComplete(peer)))
  })

  it('costs nothing to seed until somebody asks', async () => {
    await using swarm = new SimulatedSwarm()
    const storage = new MemoryStorage()
    const peer = await swarm.peer('10.0.0.1', { storage })
    const timers = swarm.clock.timers
    for (let i = 0; i < 50; i++) {
      const made = makeTorrent(1_000, { seed: i })
      peer.engine.add({
        infoHash: made.torrent.infoHash,
        torrent: made.torrent,
        folder: 'files',
        mode: 'seed',
      })
    }
    assert.equal(swarm.clock.timers, timers)
  })

  it('cannot be added twice, but again after it was stopped', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1_000)
    const peer = await swarm.peer('10.0.0.1')
    const handle = peer.add(made, { mode: 'seed' })
    assert.throws(
      () => peer.add(made, { mode: 'seed' }),
      (e) => e instanceof ShoalError && e.code === 'conflict',
    )
    await handle.stop()
    await handle.stop()
    assert.equal(peer.engine.get(made.torrent.infoHash), undefined)
    peer.add(made, { mode: 'seed' })
  })

  it('keeps to the rate that the engine may take', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(2) })
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.2', { limitDown: bytesPerSecond(128 * KiB) })
    const start = swarm.clock.now()
    peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer)))
    const took = swarm.clock.now() - start
    assert.ok(took > 7_000 && took < 10_000, `took ${took} ms of simulated time`)
  })
})
