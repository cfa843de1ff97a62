/** A swarm whose portal and tracker are away: what it remembers, and whom its peers tell what. */
import assert from 'node:assert/strict'
import { type Endpoint, formatEndpoint, ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { bytesPerSecond, KiB, MiB, minutes, seconds } from '../../src/core/units.ts'
import type { AddTorrent, TorrentHandle } from '../../src/swarm/index.ts'
import type { FetchAnnounce } from '../../src/swarm/tracker-http.ts'
import { encodeAnnounceRefusal, encodeAnnounceReply } from '../../src/wire/announce.ts'
import { decodeBencode } from '../../src/wire/bencode.ts'
import {
  decodeExtensionHandshake,
  encodeExtensionHandshake,
  OUR_EXTENSION_IDS,
} from '../../src/wire/extension.ts'
import {
  decodeExchangeMessage,
  encodeExchangeMessage,
  type ExchangeMessage,
} from '../../src/wire/peer-exchange.ts'
import { proofOf, type SwarmKey, swarmKey } from '../../src/wire/swarm-key.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { Puppet } from '../support/puppet-peer.ts'
import {
  holdsAll,
  isComplete,
  makeTorrent,
  type MadeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

const KEY = swarmKey('5a'.repeat(32))
const URLS = { announceUrls: () => [['http://t/announce?g=GRANT']] }
const PEERS_FILE = 'peers'

/** A tracker in memory that can be taken away. */
class Tracker {
  isAway = false
  isRefusing = false
  key: SwarmKey | undefined = KEY
  asked = 0
  peers: readonly Endpoint[] = []
  readonly fetch: FetchAnnounce = () => {
    this.asked++
    if (this.isAway) return Promise.reject(new ShoalError('unavailable', 'the tracker is away'))
    if (this.isRefusing) return Promise.resolve(encodeAnnounceRefusal({ reason: 'revoked' }))
    const reply = { intervalMs: seconds(60), complete: 0, incomplete: 0, peers: this.peers }
    const swarm = this.key === undefined ? {} : { swarmKey: this.key }
    return Promise.resolve(encodeAnnounceReply({ ...reply, ...swarm }, { compact: true, withFlags: true }))
  }
}

class World extends SimulatedSwarm {
  readonly tracker = new Tracker()
  readonly made: MadeTorrent = makeTorrent(1 * MiB)

  async client(
    host: string,
    spec: Partial<AddTorrent> & Pick<AddTorrent, 'mode'>,
    options: Parameters<SimulatedSwarm['peer']>[1] = {},
  ): Promise<{ readonly peer: SimulatedPeer; readonly handle: TorrentHandle }> {
    const peer = await this.peer(host, { fetchAnnounce: this.tracker.fetch, ...options })
    return { peer, handle: peer.add(this.made, { ...URLS, peersPath: PEERS_FILE, ...spec }) }
  }
}

const remotes = (handle: TorrentHandle): string[] =>
  handle
    .peers()
    .map(({ remote }) => remote.host)
    .toSorted()

describe('a client without portal and tracker', () => {
  it('completes from a peer that it remembers, an hour after both went away', async () => {
    await using world = new World()
    const seed = await world.client('10.0.0.1', { mode: 'seed' }, { limitUp: bytesPerSecond(200 * KiB) })
    world.tracker.peers = [seed.peer.endpoint]
    const storage = new MemoryStorage()
    const first = await world.client('10.0.0.2', { mode: 'download' }, { storage })
    assert.ok(await world.until(() => first.handle.stats().haveBytes > 300 * KiB, seconds(60)))
    let isStopped = false
    void first.peer.engine[Symbol.asyncDispose]().then(() => (isStopped = true))
    assert.ok(await world.until(() => isStopped, seconds(20)))
    world.tracker.isAway = true
    for (let i = 0; i < 60; i++) await world.run(minutes(1))
    const again = await world.client('10.0.0.2', { mode: 'download' }, { storage })
    assert.ok(await world.until(() => isComplete(again.peer), minutes(2)))
    assert.ok(holdsAll(again.peer, world.made))
    assert.ok(again.handle.stats().receivedBytes < 800 * KiB, 'it went on where it was')
  }).timeout(60_000)

  it('finds a peer again that was off for an hour itself', async () => {
    await using world = new World()
    const seed = await world.client('10.0.0.1', { mode: 'seed' }, { limitUp: bytesPerSecond(100 * KiB) })
    world.tracker.peers = [seed.peer.endpoint]
    const client = await world.client('10.0.0.2', { mode: 'download' })
    assert.ok(await world.until(() => client.handle.stats().haveBytes > 0, seconds(30)))
    world.tracker.isAway = true
    let isStopped = false
    void seed.peer.engine[Symbol.asyncDispose]().then(() => (isStopped = true))
    assert.ok(await world.until(() => isStopped, seconds(20)))
    for (let i = 0; i < 60; i++) await world.run(minutes(1))
    await world.client('10.0.0.1', { mode: 'seed' })
    assert.ok(await world.until(() => isComplete(client.peer), minutes(3)))
  }).timeout(60_000)

  it('dials nobody of before where the tracker refuses it', async () => {
    await using world = new World()
    const storage = new MemoryStorage()
    const seed = await world.client('10.0.0.1', { mode: 'seed' })
    const peers = [[seed.peer.endpoint.host, seed.peer.endpoint.port, world.clock.epoch()]]
    const file = { version: 1, infoHash: world.made.torrent.infoHash, peers, keys: [] }
    storage.states.set(PEERS_FILE, Buffer.from(JSON.stringify(file)))
    world.tracker.isRefusing = true
    const client = await world.client('10.0.0.2', { mode: 'download' }, { storage })
    await world.run(minutes(5))
    assert.deepEqual(remotes(client.handle), [])
    world.tracker.isRefusing = false
    world.tracker.isAway = true
    client.handle.announceNow()
    assert.ok(await world.until(() => isComplete(client.peer), minutes(2)))
  })

  it('believes no file that is not of this torrent, and dials no address of it that no peer has', async () => {
    await using world = new World()
    world.tracker.isAway = true
    const storage = new MemoryStorage()
    const file = {
      version: 1,
      infoHash: world.made.torrent.infoHash,
      peers: [['169.254.0.1', 6_881, 5]],
      keys: [],
    }
    storage.states.set(PEERS_FILE, Buffer.from(JSON.stringify(file)))
    const client = await world.client('10.0.0.2', { mode: 'download' }, { storage })
    await world.run(minutes(2))
    assert.equal(client.handle.stats().peers.otherSites, 0)
  })
})

describe('two halves of a swarm that know one common peer', () => {
  async function halves(
    world: World,
  ): Promise<{ left: TorrentHandle; right: TorrentHandle; common: SimulatedPeer }> {
    const common = await world.client('10.0.0.1', { mode: 'download' })
    world.tracker.peers = [common.peer.endpoint]
    const left = await world.client('10.1.0.1', { mode: 'download' })
    const right = await world.client('10.2.0.1', { mode: 'download' })
    assert.ok(await world.until(() => common.handle.peers().length === 2, seconds(30)))
    return { left: left.handle, right: right.handle, common: common.peer }
  }
  const meet = (left: TorrentHandle): boolean => remotes(left).includes('10.2.0.1')

  it('find each other while the tracker is away', async () => {
    await using world = new World()
    const { left, right } = await halves(world)
    await world.run(minutes(3))
    assert.deepEqual(remotes(left), ['10.0.0.1'], 'while it answers, it alone says who knows whom')
    world.tracker.isAway = true
    assert.ok(await world.until(() => meet(left) && remotes(right).includes('10.1.0.1'), minutes(4)))
  })

  it('and complete from each other when the common peer leaves', async () => {
    await using world = new World()
    const { left, common } = await halves(world)
    world.tracker.isAway = true
    assert.ok(await world.until(() => meet(left), minutes(4)))
    let isStopped = false
    void common.engine[Symbol.asyncDispose]().then(() => (isStopped = true))
    assert.ok(await world.until(() => isStopped, seconds(20)))
    await world.client(
      '10.2.0.1',
      { mode: 'seed' },
      { listen: { host: '10.2.0.9', port: 6_881, portsToTry: 1 } },
    )
    await world.run(minutes(1))
    assert.ok(meet(left))
  })

  it('also when the tracker changed the key between their announces', async () => {
    await using world = new World()
    const common = await world.client('10.0.0.1', { mode: 'download' })
    world.tracker.peers = [common.peer.endpoint]
    const left = await world.client('10.1.0.1', { mode: 'download' })
    assert.ok(await world.until(() => common.handle.peers().length === 1, seconds(30)))
    world.tracker.key = swarmKey('6b'.repeat(32))
    const right = await world.client('10.2.0.1', { mode: 'download' })
    assert.ok(await world.until(() => common.handle.peers().length === 2, seconds(30)))
    await world.run(minutes(2)) // all have heard of the new key, the last of them knows no other
    world.tracker.isAway = true
    assert.ok(await world.until(() => remotes(right.handle).includes('10.1.0.1'), minutes(4)))
    assert.ok(meet(left.handle))
  })

  it('do not when no key was ever given, nor when theirs is of another tracker', async () => {
    for (const isOther of [false, true]) {
      await using world = new World()
      world.tracker.key = undefined
      const fetch: FetchAnnounce = (...args) => {
        world.tracker.key = isOther ? swarmKey(world.tracker.asked.toString(16).padStart(64, '0')) : undefined
        return world.tracker.fetch(...args)
      }
      const common = await world.client('10.0.0.1', { mode: 'download' }, { fetchAnnounce: fetch })
      world.tracker.peers = [common.peer.endpoint]
      const left = await world.client('10.1.0.1', { mode: 'download' }, { fetchAnnounce: fetch })
      await world.client('10.2.0.1', { mode: 'download' }, { fetchAnnounce: fetch })
      assert.ok(await world.until(() => common.handle.peers().length === 2, seconds(30)))
      world.tracker.isAway = true
      await world.run(minutes(6))
      assert.ok(!meet(left.handle))
    }
  })
})

describe('a peer that is none of our own clients', () => {
  const ASK = encodeExchangeMessage({ kind: 'ask' })

  /** Says all that there is to say, with `key` where it has one, and gives what it was told in return. */
  async function beside(
    world: World,
    to: SimulatedPeer,
    key: SwarmKey | undefined,
    over: { readonly provesTo?: string; readonly role?: 'dialled' | 'listened' } = {},
  ): Promise<{ heard: ExchangeMessage[]; puppet: Puppet; said: Buffer[] }> {
    const heard: ExchangeMessage[] = []
    const said: Buffer[] = []
    const nonce = new Uint8Array(32).fill(9)
    const { infoHash } = world.made.torrent
    let theirs = 21
    const say = (puppet: Puppet, payload: Uint8Array): void =>
      puppet.say({ kind: 'extended', id: theirs, payload })
    const puppet = await dialled(
      world,
      Puppet.dial(world.network, to.endpoint, '10.0.0.66', {
        infoHash,
        onMessage(message, self) {
          if (message.kind !== 'extended') return
          said.push(Buffer.from(message.payload))
          if (message.id === 0) {
            theirs = decodeExtensionHandshake(message.payload).ids.get('sh_peers') ?? 0
            const ids = new Map(Object.entries(OUR_EXTENSION_IDS))
            self.say({
              kind: 'extended',
              id: 0,
              payload: encodeExtensionHandshake({ ids, listenPort: 7_777 }),
            })
            say(self, encodeExchangeMessage({ kind: 'challenge', nonce }))
            return
          }
          if (message.id !== OUR_EXTENSION_IDS.sh_peers) return
          const said_ = decodeExchangeMessage(message.payload)
          heard.push(said_)
          if (said_.kind !== 'challenge') return
          const proof = proofOf(key ?? swarmKey('00'.repeat(32)), {
            infoHash,
            role: over.role ?? 'dialled',
            nonces: { dialled: nonce, listened: said_.nonce },
            to: ipAddress(over.provesTo ?? to.endpoint.host),
          })
          say(self, encodeExchangeMessage({ kind: 'proof', proofs: [proof] }))
          say(self, ASK)
        },
      }),
    )
    return { heard, puppet, said }
  }

  async function dialled<T>(world: World, dialling: Promise<T>): Promise<T> {
    let isOver = false
    void dialling.finally(() => (isOver = true))
    assert.ok(await world.until(() => isOver, seconds(5)))
    return await dialling
  }

  async function met(): Promise<{ world: World; client: SimulatedPeer; handle: TorrentHandle }> {
    const world = new World()
    const seed = await world.client('10.0.0.1', { mode: 'seed' }, { limitUp: bytesPerSecond(4 * KiB) })
    world.tracker.peers = [seed.peer.endpoint]
    const client = await world.client('10.0.0.2', { mode: 'download' })
    assert.ok(await world.until(() => client.handle.peers().length === 1, seconds(20)))
    world.tracker.isAway = true
    await world.run(minutes(2))
    return { world, client: client.peer, handle: client.handle }
  }

  it('is told no address, whatever it says, and proves itself only with the key', async () => {
    const cases: readonly (readonly [SwarmKey | undefined, Parameters<typeof beside>[3], boolean])[] = [
      [undefined, {}, false],
      [swarmKey('5b'.repeat(32)), {}, false],
      [KEY, { role: 'listened' }, false],
      [KEY, { provesTo: '10.0.0.3' }, false],
      [KEY, {}, true],
    ]
    for (const [key, over, isTold] of cases) {
      const { world, client } = await met()
      await using _ = world
      const { heard, puppet, said } = await beside(world, client, key, over)
      for (let i = 0; i < 5; i++) {
        await world.run(minutes(1.5))
        puppet.say({ kind: 'extended', id: OUR_EXTENSION_IDS.sh_peers, payload: ASK })
      }
      const told = heard.flatMap((message) => (message.kind === 'peers' ? message.endpoints : []))
      assert.deepEqual(told.map(formatEndpoint), isTold ? ['10.0.0.1:6881'] : [])
      const seedBytes = Buffer.from([10, 0, 0, 1])
      if (!isTold)
        assert.ok(
          said.every((bytes) => !bytes.includes(seedBytes)),
          'its address was in what was said',
        )
      assert.ok(said.every((bytes) => !bytes.includes('GRANT')))
    }
  })

  it('is hung up on for a second challenge, a proof without one, and what cannot be read', async () => {
    const challenge = encodeExchangeMessage({ kind: 'challenge', nonce: new Uint8Array(32) })
    const proof = encodeExchangeMessage({ kind: 'proof', proofs: [new Uint8Array(32)] })
    for (const said of [[challenge, challenge], [proof], [Buffer.from('l-3:e')]]) {
      const { world, client } = await met()
      await using _ = world
      const puppet = await dialled(
        world,
        Puppet.dial(world.network, client.endpoint, '10.0.0.66', { infoHash: world.made.torrent.infoHash }),
      )
      for (const payload of said) puppet.say({ kind: 'extended', id: OUR_EXTENSION_IDS.sh_peers, payload })
      assert.ok(await world.until(() => puppet.isClosed, seconds(5)))
    }
  })

  it('makes nobody dial whom it names: neither unasked nor without the key', async () => {
    const { world, handle, client } = await met()
    await using _ = world
    const trap = await world.client('10.0.0.9', { mode: 'download', announceUrls: () => [] })
    const { puppet } = await beside(world, client, undefined)
    const named = encodeExchangeMessage({ kind: 'peers', endpoints: [trap.peer.endpoint] })
    for (let i = 0; i < 3; i++) {
      puppet.say({ kind: 'extended', id: OUR_EXTENSION_IDS.sh_peers, payload: named })
      await world.run(minutes(1))
    }
    assert.ok(!remotes(handle).includes('10.0.0.9'))
  })

  it('that holds the key is believed no low port, no link-local and no loopback address', async () => {
    const { world, handle, client } = await met()
    await using _ = world
    const { puppet, heard } = await beside(world, client, KEY)
    assert.ok(await world.until(() => heard.some(({ kind }) => kind === 'ask'), minutes(3)))
    const good = await world.client('10.0.0.9', { mode: 'download', announceUrls: () => [] })
    const endpoints = [
      { host: ipAddress('10.0.0.8'), port: 22 },
      { host: ipAddress('169.254.0.8'), port: 6_881 },
      { host: ipAddress('127.0.0.8'), port: 6_881 },
      good.peer.endpoint,
    ]
    const dialledHosts: string[] = []
    const dial = world.network.dial.bind(world.network)
    world.network.dial = (to, ...rest) => {
      dialledHosts.push(formatEndpoint(to))
      return dial(to, ...rest)
    }
    const named = encodeExchangeMessage({ kind: 'peers', endpoints })
    puppet.say({ kind: 'extended', id: OUR_EXTENSION_IDS.sh_peers, payload: named })
    assert.ok(await world.until(() => remotes(handle).includes('10.0.0.9'), seconds(30)))
    assert.ok(
      dialledHosts.every((host) => ['10.0.0.9:6881', '10.0.0.1:6881'].includes(host)),
      dialledHosts.join(),
    )
  })

  it('sees of all this words in the extension handshake only', async () => {
    const { world, client } = await met()
    await using _ = world
    const { said } = await beside(world, client, undefined)
    await world.run(seconds(5))
    const dict = decodeBencode(said[0] ?? new Uint8Array())
    assert.ok(dict instanceof Map && dict.get('m') instanceof Map)
    assert.deepEqual(
      [...(dict.get('m') as Map<string, number>).keys()].filter((name) => name.startsWith('sh_')),
      ['sh_fetch', 'sh_hello', 'sh_peers', 'sh_unfetch'],
    )
  })
})
