/** What a download believes of the disk, and what it writes over: never a byte that somebody else may need. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../src/core/errors.ts'
import { bytesPerSecond, KiB, seconds } from '../../src/core/units.ts'
import type { AddTorrent } from '../../src/swarm/index.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import {
  holdsAll,
  isComplete,
  type MadeTorrent,
  makeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

const only =
  (file: string) =>
  (path: string): boolean =>
    path.endsWith(file)

describe('a download that goes on where another ended', () => {
  let swarm: SimulatedSwarm
  let storage: MemoryStorage
  let seed: SimulatedPeer
  // Piece 1 (of 32 KiB) holds the end of a.bin and the beginning of b.bin.
  const made: MadeTorrent = makeTorrent({ 'a.bin': 50_000, 'b.bin': 70_000 })
  const pathOf = (file: string): string => `files/${made.torrent.metainfo.name}/${file}`

  beforeEach(async () => {
    swarm = new SimulatedSwarm()
    storage = new MemoryStorage()
    seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
  })
  afterEach(() => swarm[Symbol.asyncDispose]())

  /** One run of the client, until `kind` happens. */
  async function run(kind: string, spec: Partial<AddTorrent> = {}): Promise<SimulatedPeer> {
    const peer = await swarm.peer('10.0.0.2', { storage })
    peer.add(made, { mode: 'download', ...spec })
    assert.ok(await swarm.until(() => peer.events.some((e) => e.kind === kind), seconds(60)), kind)
    const stopping = peer.engine[Symbol.asyncDispose]()
    await swarm.run(seconds(1))
    await stopping
    return peer
  }
  const conflictOf = (peer: SimulatedPeer): string => {
    const failed = peer.events.find((event) => event.kind === 'failed')
    assert.ok(failed?.error instanceof ShoalError && failed.error.code === 'conflict', String(failed?.error))
    return failed.error.message
  }

  it('with other files wanted in between still ends with every byte of all of them', async () => {
    await run('checked')
    await run('complete', { wants: only('a.bin'), peers: [seed.endpoint] })
    const last = await run('complete', { peers: [seed.endpoint] })
    assert.ok(holdsAll(last, made))
  })

  it('keeps what it fetched for a choice of files when more are wanted later', async () => {
    await run('complete', { wants: only('a.bin'), peers: [seed.endpoint] })
    const second = await run('complete', { wants: only('b.bin'), peers: [seed.endpoint] })
    const third = await run('complete')
    assert.ok(holdsAll(second, made) && holdsAll(third, made))
  })

  it('does not write over a different file that was not wanted before and is not its own', async () => {
    await run('complete', { wants: only('a.bin'), peers: [seed.endpoint] })
    const theirs = new Uint8Array(70_000).fill(1)
    storage.put(pathOf('b.bin'), theirs.slice())
    assert.match(
      conflictOf(await run('failed', { peers: [seed.endpoint] })),
      /b\.bin.*exists and is different/,
    )
    assert.deepEqual(storage.files.get(pathOf('b.bin'))?.bytes, theirs)
  })

  it('does not write over a different file whose only piece could not be read whole', async () => {
    const small = makeTorrent({ 'a.bin': 30_000, 'notes.txt': 2_000, 'z.bin': 90_000 }, { seed: 3 })
    seed.add(small, { mode: 'seed' })
    const theirs = new Uint8Array(2_000).fill(1)
    const path = `files/${small.torrent.metainfo.name}/notes.txt`
    const peer = await swarm.peer('10.0.0.3')
    peer.storage.put(path, theirs.slice())
    peer.add(small, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => peer.events.some((e) => e.kind === 'failed'), seconds(60)))
    assert.match(conflictOf(peer), /notes\.txt.*exists and is different/)
    assert.deepEqual(peer.storage.files.get(path)?.bytes, theirs)
    const told = await swarm.peer('10.0.0.4', { storage: peer.storage })
    told.add(small, { mode: 'download', peers: [seed.endpoint], overwrite: true })
    assert.ok(await swarm.until(() => isComplete(told), seconds(60)))
  })

  it('takes an equal file over, also when its only piece could not be read whole', async () => {
    const small = makeTorrent({ 'a.bin': 30_000, 'notes.txt': 2_000, 'z.bin': 90_000 }, { seed: 3 })
    seed.add(small, { mode: 'seed' })
    const peer = await swarm.peer('10.0.0.3')
    const landing = `${small.torrent.metainfo.name}/notes.txt`
    peer.storage.put(`files/${landing}`, small.contents.get(landing)?.slice() ?? new Uint8Array())
    peer.add(small, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, small))
  })

  it('hashes everything again when its state cannot be read, and goes on', async () => {
    const slow = await swarm.peer('10.0.0.5', { limitUp: bytesPerSecond(32 * KiB) })
    slow.add(made, { mode: 'seed' })
    const first = await swarm.peer('10.0.0.2', { storage })
    const handle = first.add(made, { mode: 'download', peers: [slow.endpoint] })
    assert.ok(await swarm.until(() => handle.stats().haveBytes > 0, seconds(60)))
    const stopping = first.engine[Symbol.asyncDispose]()
    await swarm.run(seconds(1))
    await stopping
    storage.states.set('state', Buffer.from('{"version":'))
    const second = await run('complete', { peers: [seed.endpoint] })
    assert.ok(holdsAll(second, made))
  })

  it('does not vouch for what somebody else changed while it ran', async () => {
    const peer = await swarm.peer('10.0.0.2', { storage })
    const handle = peer.add(made, { mode: 'download', wants: only('a.bin'), peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    const spoiled = new Uint8Array(storage.files.get(pathOf('a.bin'))?.bytes ?? [])
    spoiled[5] = (spoiled[5] ?? 0) ^ 1
    storage.put(pathOf('a.bin'), spoiled)
    const stopping = handle.stop()
    await swarm.run(seconds(1))
    await stopping
    const last = await run('complete', { peers: [seed.endpoint] })
    assert.ok(holdsAll(last, made))
  })
})
