import assert from 'node:assert/strict'
import { KiB, MiB, bytesPerSecond, millis, seconds } from '../../src/core/units.ts'
import { holdsAll, isComplete, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

describe('a swarm', () => {
  it('of thirty peers completes from one seed, and most bytes come from each other', async function () {
    this.timeout(60_000)
    await using swarm = new SimulatedSwarm({ latency: millis(5) })
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(512 * KiB) })
    const seeding = seed.add(made, { mode: 'seed' })
    const peers = await Promise.all(
      Array.from({ length: 29 }, (_, i) => swarm.peer(`10.0.0.${String(i + 2)}`)),
    )
    const everyone = [seed, ...peers].map((peer) => peer.endpoint)
    for (const peer of peers) peer.add(made, { mode: 'download', peers: everyone })
    assert.ok(await swarm.until(() => peers.every(isComplete)), 'not all complete')
    assert.ok(peers.every((peer) => holdsAll(peer, made)))
    assert.ok(seeding.stats().uploadedBytes < 4 * MiB, `${seeding.stats().uploadedBytes} bytes from the seed`)
  })

  it('of two leechers that start together makes them send pieces to each other', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(1 * MiB) })
    seed.add(made, { mode: 'seed' })
    const a = await swarm.peer('10.0.0.2')
    const b = await swarm.peer('10.0.0.3')
    const peers = [seed.endpoint, a.endpoint, b.endpoint]
    const handles = [a, b].map((peer) => peer.add(made, { mode: 'download', peers }))
    assert.ok(await swarm.until(() => isComplete(a) && isComplete(b)))
    for (const handle of handles) assert.ok(handle.stats().uploadedBytes > 1 * MiB)
  })

  it('goes on without its seed once a copy is out', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    const seeding = seed.add(made, { mode: 'seed' })
    const first = await swarm.peer('10.0.0.2')
    first.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(first)))
    await seeding.stop()
    const late = await swarm.peer('10.0.0.3')
    late.add(made, { mode: 'download', peers: [first.endpoint] })
    assert.ok(await swarm.until(() => isComplete(late), seconds(30)))
    assert.ok(holdsAll(late, made))
  })
})
