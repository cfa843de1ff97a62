import assert from 'node:assert/strict'
import { bytesPerSecond, KiB, seconds } from '../../src/core/units.ts'
import { makeTorrent, type SimulatedPeer, SimulatedSwarm } from '../support/simulated-swarm.ts'

describe('a part of a piece, read by somebody who is no peer', () => {
  const made = makeTorrent(100_000)
  const whole = made.contents.get(made.torrent.metainfo.name) ?? assert.fail()
  let swarm: SimulatedSwarm
  beforeEach(() => (swarm = new SimulatedSwarm()))
  afterEach(() => swarm[Symbol.asyncDispose]())
  const fileOf = (peer: SimulatedPeer): { bytes: Uint8Array } =>
    peer.storage.files.get(`files/${made.torrent.metainfo.name}`) ?? assert.fail()

  it('is a copy of what was published, also of a seed that nobody has asked for before', async () => {
    const peer = await swarm.peer('10.0.0.1')
    const handle = peer.add(made, { mode: 'seed' })
    const of = { piece: 1, offset: 100, length: 50 }
    const bytes = await handle.readPiece(of)
    assert.deepEqual(bytes, whole.slice(32 * KiB + 100, 32 * KiB + 150))
    bytes.fill(0)
    assert.deepEqual(await handle.readPiece(of), whole.slice(32 * KiB + 100, 32 * KiB + 150))
  })

  it('is not there when there is no such part, when it is damaged, and once the torrent is stopped', async () => {
    const peer = await swarm.peer('10.0.0.1')
    const handle = peer.add(made, { mode: 'seed' })
    for (const of of [
      { piece: 4, offset: 0, length: 1 },
      { piece: -1, offset: 0, length: 1 },
      { piece: 0.5, offset: 0, length: 1 },
      { piece: 0, offset: 32 * KiB, length: 1 },
      { piece: 3, offset: 0, length: 32 * KiB },
    ])
      assert.equal(await handle.readPiece(of), undefined)
    const { bytes } = fileOf(peer)
    bytes[40_000] = (bytes[40_000] ?? 0) ^ 1
    assert.equal(await handle.readPiece({ piece: 1, offset: 0, length: 1 }), undefined)
    assert.deepEqual(
      peer.events.map((event) => event.kind),
      ['content-changed'],
    )
    assert.ok(await handle.readPiece({ piece: 0, offset: 0, length: 1 }))
    await handle.stop()
    assert.equal(await handle.readPiece({ piece: 0, offset: 0, length: 1 }), undefined)
  })

  it('is for peers too when they ask meanwhile: the disk is read once', async () => {
    const peer = await swarm.peer('10.0.0.1')
    const handle = peer.add(made, { mode: 'seed' })
    const reads = await Promise.all(
      [0, 1, 2].map((i) => handle.readPiece({ piece: 0, offset: i, length: 1 })),
    )
    assert.deepEqual(
      reads.map((bytes) => bytes?.[0]),
      [...whole.subarray(0, 3)],
    )
  })

  it('counts within the limit of uploads', async () => {
    const peer = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(16 * KiB) })
    const handle = peer.add(made, { mode: 'seed' })
    let got = 0
    void (async () => {
      for (let piece = 0; piece < 3; piece++)
        got += (await handle.readPiece({ piece, offset: 0, length: 32 * KiB }))?.length ?? 0
    })()
    await swarm.run(seconds(3))
    assert.equal(got, 64 * KiB)
    await swarm.run(seconds(3))
    assert.equal(got, 96 * KiB)
  })

  it('has its share beside peers that never have enough', async () => {
    const large = makeTorrent(2_000_000)
    const peer = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(64 * KiB) })
    const handle = peer.add(large, { mode: 'seed' })
    for (const host of ['10.0.1.2', '10.0.2.3'])
      (await swarm.peer(host)).add(large, { mode: 'download', peers: [peer.endpoint] })
    await swarm.run(seconds(2))
    const before = handle.stats().uploadedBytes
    let got = 0
    void (async () => {
      for (let piece = 0; piece < 60; piece++)
        got += (await handle.readPiece({ piece, offset: 0, length: 32 * KiB }))?.length ?? 0
    })()
    await swarm.run(seconds(12))
    assert.ok(got >= 160 * KiB, String(got))
    const given = handle.stats().uploadedBytes - before
    assert.ok(given >= 192 * KiB, String(given))
  })

  it('costs nothing of the limit when it cannot be had, or nobody waits for it any more', async () => {
    const peer = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(16 * KiB) })
    const handle = peer.add(made, { mode: 'seed' })
    await swarm.run(seconds(1))
    const whole = { piece: 0, offset: 0, length: 32 * KiB }
    for (let i = 0; i < 3; i++) assert.equal(await handle.readPiece({ ...whole, piece: 9 }), undefined)
    assert.equal((await handle.readPiece(whole))?.length, 32 * KiB)
    const gone = new AbortController()
    const waiting = [1, 2, 3].map(() => handle.readPiece(whole, gone.signal))
    let got = 0
    const last = handle.readPiece(whole).then((bytes) => (got = bytes?.length ?? 0))
    gone.abort()
    assert.deepEqual(await Promise.all(waiting), [undefined, undefined, undefined])
    await swarm.run(seconds(3))
    assert.equal(got, 32 * KiB)
    await last
  })
})
