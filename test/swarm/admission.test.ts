import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { addMillis, hours, MiB, minutes, seconds, type Millis } from '../../src/core/units.ts'
import type { AddTorrent, TorrentHandle } from '../../src/swarm/index.ts'
import { newGrantId, signGrant } from '../../src/wire/grant.ts'
import { limits } from '../../src/wire/limits.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { LeaseTracker } from '../support/lease-tracker.ts'
import { Puppet, type PuppetOptions } from '../support/puppet-peer.ts'
import {
  holdsAll,
  isComplete,
  type MadeTorrent,
  makeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

const KNOWN = '10.0.0.9'
const STRANGER = '10.0.0.66'
/** How long a refused stranger is left without a word. */
const REFUSED_AFTER = seconds(5)

type Spec = Partial<AddTorrent> & Pick<AddTorrent, 'mode'>
type World = Pick<Scene, 'swarm' | 'made' | 'tracker'>

class Scene implements AsyncDisposable {
  readonly swarm: SimulatedSwarm
  readonly made: MadeTorrent
  readonly tracker: LeaseTracker
  readonly server: SimulatedPeer
  readonly handle: TorrentHandle

  private constructor(world: World, server: SimulatedPeer, spec: Spec) {
    this.swarm = world.swarm
    this.made = world.made
    this.tracker = world.tracker
    this.server = server
    this.handle = server.add(this.made, spec)
  }

  /** An origin: it announces nothing and holds a serving grant. */
  static async origin(): Promise<Scene> {
    const leaseUrl = (): string => 'http://tracker.test/lease?g=serving'
    return await Scene.#open(new LeaseTracker(), () => ({ mode: 'seed', leaseUrl }))
  }

  /** Our `get` client, which has what it came for and goes on serving. */
  static async client(tracker = new LeaseTracker()): Promise<Scene> {
    return await Scene.#open(tracker, async ({ made, swarm }) => {
      const { key } = await generateSigningKey('grant')
      const now = swarm.clock.epoch()
      const { infoHash } = made.torrent
      const claims = { infoHash, id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }
      const url = `http://tracker.test/announce?g=${await signGrant(claims, key)}`
      return { mode: 'seed', announceUrls: () => [[url]] }
    })
  }

  static async #open(tracker: LeaseTracker, specOf: (world: World) => Spec | Promise<Spec>): Promise<Scene> {
    const world = { swarm: new SimulatedSwarm(), made: makeTorrent(1 * MiB), tracker }
    const server = await world.swarm.peer('10.0.0.1', { fetchAnnounce: tracker.fetch })
    const scene = new Scene(world, server, await specOf(world))
    await scene.swarm.run(seconds(1))
    return scene
  }

  /** Dials, and waits for what it hears at once. */
  async dial(from: string, options: Partial<PuppetOptions> = {}): Promise<Puppet> {
    const { infoHash } = this.made.torrent
    const dialling = Puppet.dial(this.swarm.network, this.server.endpoint, from, { infoHash, ...options })
    await this.swarm.run(seconds(0.2))
    return dialling
  }

  /** After how long the puppet is hung up on. */
  async closedAfter(puppet: Puppet): Promise<number> {
    const from = this.swarm.clock.now()
    assert.ok(await this.swarm.until(() => puppet.isClosed, minutes(2)), 'it is still connected')
    return this.swarm.clock.now() - from
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.swarm[Symbol.asyncDispose]()
  }
}

const SERVERS = [
  ['an origin', () => Scene.origin()],
  ['our client', () => Scene.client()],
] as const

for (const [name, open] of SERVERS) {
  describe(`a stranger who dials ${name}`, () => {
    it('hears nothing at all without a lease, and is hung up on', async () => {
      await using scene = await open()
      const puppet = await scene.dial(STRANGER)
      puppet.say({ kind: 'interested' }, { kind: 'request', piece: 0, offset: 0, length: 16_384 })
      await scene.closedAfter(puppet)
      assert.equal(puppet.heardBytes, 0)
      assert.equal(scene.handle.stats().uploadedBytes, 0)
    })

    it('is served with a lease, from what it said first', async () => {
      await using scene = await open()
      scene.tracker.let(KNOWN)
      let bytes = 0
      const puppet = await scene.dial(KNOWN, { onBlock: (_piece, _offset, block) => (bytes += block.length) })
      assert.ok(puppet.kinds().includes('have-all'))
      puppet.say({ kind: 'interested' })
      await scene.swarm.run(seconds(1))
      puppet.say({ kind: 'request', piece: 1, offset: 0, length: 16_384 })
      await scene.swarm.run(seconds(1))
      assert.equal(bytes, 16_384)
    })

    it('is left alone as long for an infohash that is not here as for one without a lease', async () => {
      await using scene = await open()
      const elsewhere = makeTorrent(10, { seed: 99 }).torrent.infoHash
      const unknown = await scene.dial(STRANGER, { infoHash: elsewhere })
      const unknownAfter = await scene.closedAfter(unknown)
      const unleased = await scene.dial(STRANGER)
      const unleasedAfter = await scene.closedAfter(unleased)
      // The clock goes from timer to timer, of which there is one a second.
      for (const after of [unknownAfter, unleasedAfter])
        assert.ok(Math.abs(after - REFUSED_AFTER) <= 1_000, `${after} ms`)
      assert.deepEqual([unknown.heardBytes, unleased.heardBytes], [0, 0])
    })

    it('is dropped within a minute of the revocation of its grant, and not let in again', async () => {
      await using scene = await open()
      scene.tracker.let(KNOWN)
      scene.tracker.let('10.0.0.10')
      const puppet = await scene.dial(KNOWN)
      const other = await scene.dial('10.0.0.10', { id: 'cd'.repeat(20) })
      scene.tracker.revoke(KNOWN)
      scene.server.engine.reconsiderPeers() // the feed's part, for who follows it
      assert.ok((await scene.closedAfter(puppet)) <= minutes(1))
      assert.equal(other.isClosed, false)
      const again = await scene.dial(KNOWN)
      await scene.closedAfter(again)
      assert.equal(again.heardBytes, 0)
    })

    it('is still served by who knew it when the tracker is dead, and others are not', async () => {
      await using scene = await open()
      scene.tracker.let(KNOWN)
      const first = await scene.dial(KNOWN)
      first.hangUp()
      await scene.swarm.run(minutes(61))
      scene.tracker.isDead = true
      const again = await scene.dial(KNOWN)
      assert.ok(again.kinds().includes('have-all'))
      const stranger = await scene.dial(STRANGER)
      await scene.closedAfter(stranger)
      assert.equal(stranger.heardBytes, 0)
      assert.equal(again.isClosed, false)
    })
  })
}

describe('admission', () => {
  it('asks once for many who dial at once, and in bounded questions', async () => {
    await using scene = await Scene.origin()
    const hosts = Array.from({ length: 80 }, (_, n) => `10.0.1.${n + 1}`)
    for (const host of hosts) scene.tracker.let(host)
    const { infoHash } = scene.made.torrent
    const dialling = hosts.map((host, n) =>
      Puppet.dial(scene.swarm.network, scene.server.endpoint, host, {
        infoHash,
        id: (n + 10).toString(16).padStart(40, '0'),
      }),
    )
    await scene.swarm.run(seconds(1))
    const puppets = await Promise.all(dialling)
    assert.ok(puppets.every((puppet) => puppet.kinds().includes('have-all')))
    assert.ok(scene.tracker.asked.length <= 4, scene.tracker.asked.join(' '))
    assert.ok(scene.tracker.asked.every((count) => count <= limits.leasePeersMax))
  })

  it('asks again at the end of a lease, and drops only who has none any more', async () => {
    await using scene = await Scene.origin()
    scene.tracker.let(KNOWN, minutes(1))
    scene.tracker.let('10.0.0.10', minutes(1))
    const gone = await scene.dial(KNOWN)
    const stays = await scene.dial('10.0.0.10', { id: 'cd'.repeat(20) })
    await pastFirstLook(scene)
    scene.tracker.revoke(KNOWN)
    await saying(scene, [gone, stays], minutes(2))
    assert.deepEqual([gone.isClosed, stays.isClosed], [true, false])
  })

  it('keeps its peers while the tracker is dead, and asks when it is back', async () => {
    await using scene = await Scene.client()
    scene.tracker.let(KNOWN)
    const puppet = await scene.dial(KNOWN)
    scene.tracker.isDead = true
    await saying(scene, [puppet], minutes(5))
    assert.equal(puppet.isClosed, false)
    scene.tracker.revoke(KNOWN)
    scene.tracker.isDead = false
    await saying(scene, [puppet], minutes(1))
    assert.equal(puppet.isClosed, true)
  })

  it('lets in, while the tracker is dead, whom it named before', async () => {
    const tracker = new LeaseTracker()
    tracker.peers = [{ host: ipAddress(KNOWN), port: 7_000 }]
    await using scene = await Scene.client(tracker)
    scene.tracker.isDead = true
    const puppet = await scene.dial(KNOWN)
    assert.ok(puppet.kinds().includes('have-all'))
  })

  it('serves whoever comes where no portal of ours guards the torrent', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const get = await swarm.peer('10.0.0.2')
    get.add(made, { mode: 'download', peers: [seed.endpoint] })
    assert.ok(await swarm.until(() => isComplete(get)))
    assert.ok(holdsAll(get, made))
  })

  it('hangs up on who sends much before it is let in', async () => {
    await using scene = await Scene.origin()
    const puppet = await scene.dial(STRANGER)
    puppet.raw(new Uint8Array(1 * MiB))
    await scene.closedAfter(puppet)
    assert.equal(puppet.heardBytes, 0)
  })

  it('tells with each peer where it is and whether it is a bridge', async () => {
    await using scene = await Scene.origin()
    scene.tracker.let(KNOWN, minutes(60), { site: 'porto', isBridge: true })
    await scene.dial(KNOWN)
    const [peer] = scene.handle.peers()
    assert.deepEqual([peer?.lease?.site, peer?.lease?.isBridge], ['porto', true])
  })
})

/** Past the first time that an origin looks at all its peers by itself. */
async function pastFirstLook(scene: Scene): Promise<void> {
  await scene.swarm.run(seconds(1))
  scene.server.engine.reconsiderPeers()
  await scene.swarm.run(seconds(3))
}

/** Lets time pass while the puppets say that they are still there. */
async function saying(scene: Scene, puppets: readonly Puppet[], time: Millis): Promise<void> {
  const end = scene.swarm.clock.now() + time
  while (scene.swarm.clock.now() < end) {
    for (const puppet of puppets) if (!puppet.isClosed) puppet.say({ kind: 'keep-alive' })
    await scene.swarm.run(seconds(30))
  }
}
