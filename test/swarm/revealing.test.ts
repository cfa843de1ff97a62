import assert from 'node:assert/strict'
import { bytesPerSecond, KiB, MiB, millis, seconds } from '../../src/core/units.ts'
import { Puppet, type PuppetOptions } from '../support/puppet-peer.ts'
import {
  holdsAll,
  isComplete,
  makeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

const ORIGIN = '10.0.0.1'
const BLOCK = 16 * KiB

const idOf = (n: number): string => n.toString(16).padStart(40, '0')
const piecesShown = (puppet: Puppet): number[] =>
  puppet.heard.flatMap((message) => (message.kind === 'have' ? [message.piece] : []))

/** A puppet at that address; time has to move for its connection to come about. */
async function dial(
  swarm: SimulatedSwarm,
  origin: SimulatedPeer,
  from: string,
  options: PuppetOptions,
): Promise<Puppet> {
  const dialling = Puppet.dial(swarm.network, origin.endpoint, from, options)
  await swarm.run(millis(10))
  return dialling
}

async function hostsOf(swarm: SimulatedSwarm, sites: readonly string[]): Promise<SimulatedPeer[]> {
  return Promise.all(
    sites.flatMap((site) => ['2', '3', '4', '5'].map((host) => swarm.peer(`10.0.${site}.${host}`))),
  )
}

describe('an origin that reveals', () => {
  it('says that it has nothing, and then one piece after the other', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const { infoHash } = made.torrent
    const puppets = [
      await dial(swarm, origin, '10.0.1.1', { infoHash, id: idOf(1) }),
      await dial(swarm, origin, '10.0.2.1', {
        infoHash,
        id: idOf(2),
        hasFast: false,
      }),
    ]
    await swarm.run(seconds(1))
    const [fast, plain] = puppets.map((puppet) => puppet.kinds())
    assert.ok(fast?.includes('have-none'))
    for (const kinds of [fast ?? [], plain ?? []]) {
      assert.ok(kinds.includes('have'), kinds.join(' '))
      assert.ok(!kinds.includes('bitfield') && !kinds.includes('have-all'), kinds.join(' '))
    }
    const shown = puppets.flatMap(piecesShown)
    assert.ok(shown.length < 64, `${shown.length} shown`)
    assert.equal(new Set(shown).size, shown.length, 'no piece is shown to two')
  })

  it('suggests to our own clients what it shows them, and to others nothing', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const { infoHash } = made.torrent
    const id = Buffer.from('-SH0100-abcdefghijkl').toString('hex')
    const ours = await dial(swarm, origin, '10.0.1.1', { infoHash, id })
    const foreign = await dial(swarm, origin, '10.0.2.1', { infoHash, id: idOf(2) })
    await swarm.run(millis(100))
    const suggested = ours.heard.flatMap((m) => (m.kind === 'suggest' ? [m.piece] : []))
    assert.deepEqual(suggested, piecesShown(ours))
    assert.ok(suggested.length > 0)
    assert.ok(!foreign.kinds().includes('suggest'))
  })

  it('keeps a finished peer that shows what is out, as long as others lack something', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const { infoHash } = made.torrent
    const lacking = await dial(swarm, origin, '10.0.1.1', { infoHash, id: idOf(1) })
    const seed = await dial(swarm, origin, '10.0.2.1', { infoHash, id: idOf(2) })
    lacking.say({ kind: 'interested' })
    seed.say({ kind: 'have-all' })
    await swarm.run(seconds(5))
    assert.ok(!seed.isClosed)
    lacking.hangUp()
    await swarm.run(seconds(5))
    assert.ok(seed.isClosed)
  })

  it('sends a block of a piece that it has not shown to whoever knows of it', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(8 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const got: number[] = []
    const puppet = await dial(swarm, origin, '10.0.1.1', {
      infoHash: made.torrent.infoHash,
      onBlock: (piece) => got.push(piece),
    })
    await swarm.run(millis(100))
    const hidden =
      Array.from({ length: 256 }, (_, i) => i).find((i) => !piecesShown(puppet).includes(i)) ?? -1
    puppet.say({ kind: 'interested' }, { kind: 'request', piece: hidden, offset: 0, length: BLOCK })
    await swarm.run(seconds(1))
    assert.deepEqual(got, [hidden])
  })

  it('sends little more than one copy to two sites that share', async function () {
    this.timeout(60_000)
    await using swarm = new SimulatedSwarm({ latency: millis(5) })
    const made = makeTorrent(4 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true, limitUp: bytesPerSecond(512 * KiB) })
    const seeding = origin.add(made, { mode: 'seed' })
    const hosts = await hostsOf(swarm, ['1', '2'])
    const everyone = [origin, ...hosts].map((peer) => peer.endpoint)
    for (const host of hosts) host.add(made, { mode: 'download', peers: everyone })
    assert.ok(await swarm.until(() => hosts.every(isComplete), seconds(60)), 'not all complete')
    assert.ok(hosts.every((host) => holdsAll(host, made)))
    const copies = seeding.stats().uploadedBytes / (4 * MiB)
    assert.ok(copies <= 1.3, `${copies} copies`)
  })

  it('serves a peer that is alone as fast as one that shows everything', async () => {
    const took: number[] = []
    for (const reveal of [false, true]) {
      await using swarm = new SimulatedSwarm({ latency: millis(10), rateBps: 20e6 })
      const made = makeTorrent(16 * MiB)
      const origin = await swarm.peer(ORIGIN, { reveal })
      origin.add(made, { mode: 'seed' })
      const peer = await swarm.peer('10.0.1.2')
      const began = swarm.clock.now()
      peer.add(made, { mode: 'download', peers: [origin.endpoint] })
      assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
      took.push(swarm.clock.now() - began)
    }
    assert.ok((took[1] ?? 0) <= (took[0] ?? 0) * 1.2 + 200, `${took.join(' and ')} ms`)
  })

  it('finds what a peer wants that has chosen one of many files', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ a: 6 * MiB, b: 64 * KiB, c: 6 * MiB })
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const hosts = await hostsOf(swarm, ['1'])
    const peers = [origin.endpoint]
    const wants = (path: string): boolean => path.endsWith('/b')
    for (const host of hosts) host.add(made, { mode: 'download', peers, wants })
    assert.ok(await swarm.until(() => hosts.every(isComplete), seconds(60)))
  })

  it('completes hosts that know nobody but it', async function () {
    this.timeout(60_000)
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const hosts = await hostsOf(swarm, ['1', '2', '3'])
    for (const host of hosts) host.add(made, { mode: 'download', peers: [origin.endpoint] })
    assert.ok(await swarm.until(() => hosts.every(isComplete), seconds(120)))
  })

  it('serves all its bridges at once, however many sites there are', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(16 * MiB)
    const origin = await swarm.peer(ORIGIN, { reveal: true })
    origin.add(made, { mode: 'seed' })
    const puppets: Puppet[] = []
    for (let n = 1; n <= 24; n++) {
      const puppet = await dial(swarm, origin, `10.0.${Math.ceil(n / 2)}.${n}`, {
        infoHash: made.torrent.infoHash,
        id: idOf(n),
      })
      puppet.say({ kind: 'interested' })
      puppets.push(puppet)
    }
    await swarm.run(millis(500))
    for (const puppet of puppets) assert.ok(puppet.kinds().includes('unchoke'), puppet.kinds().join(' '))
  })
})
