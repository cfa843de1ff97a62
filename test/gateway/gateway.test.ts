/** The gateway's child as it really runs, with pages that are programs: content, ends, hostile peers, revocation. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { ipAddress } from '../../src/core/address.ts'
import { bytesPerSecond, MiB, seconds } from '../../src/core/units.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { startEngine, tcpNetwork, type Engine } from '../../src/swarm/index.ts'
import { bytesOfHostile, hostilePeers } from '../hostile/peer-corpus.ts'
import { hostileInputs } from '../support/corpus.ts'
import { recordFigures } from '../support/figures.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { until } from '../support/processes.ts'
import { eventsOf, untilEvent } from '../support/processes-shoal.ts'
import { Browser, offersOf } from '../tracker/websocket-support.ts'
import { sdpOf, type Sdp } from '../../src/wire/sdp.ts'
import { GatewayWorld } from './gateway-world.ts'

const SIZE = 8 * MiB
/** More than there are others in the swarm; of the largest descriptions no more fit into a message to the tracker. */
const OFFERS = 3
const late = (): AbortSignal => AbortSignal.timeout(40_000)

function tcpEngine(storage?: MemoryStorage): Promise<Engine> {
  return startEngine(
    {
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      network: tcpNetwork(),
      ...(storage === undefined ? {} : { storage }),
    },
    { listen: { host: '127.0.0.1', port: 0, portsToTry: 1 } },
  )
}

describe('the gateway', function () {
  this.timeout(60_000)
  let world: GatewayWorld
  /** Another, in which somebody's grant is revoked while the others are tried. */
  let small: GatewayWorld
  /** From the revocation until it is hung up on. */
  let droppedInMs: Promise<number>

  before(async () => {
    ;[world, small] = await Promise.all([GatewayWorld.start(SIZE), GatewayWorld.start(MiB)])
    world.watch()
    small.watch()
  })
  after(async () => {
    await Promise.all([world[Symbol.asyncDispose](), small[Symbol.asyncDispose]()])
  })

  it('gives a page that plays what is on the disk, byte for byte', async () => {
    const viewer = await world.viewer()
    const { sha256 } = await untilEvent(viewer, 'done', late())
    assert.equal(sha256, world.sha256)
  })

  it('serves one whose grant is revoked then', async () => {
    const viewer = await small.viewer()
    await untilEvent(viewer, 'done', late())
    const until = small.portal.time(seconds(60))
    small.portal.tell({ kind: 'grant-revoked', id: viewer.grant.claims.id, until })
    const revokedAt = performance.now()
    droppedInMs = untilEvent(viewer, 'closed', AbortSignal.timeout(90_000)).then(
      () => performance.now() - revokedAt,
    )
    droppedInMs.catch(() => undefined) // looked at below
  })

  it('says a word to nobody who names another release than the one that it was introduced for', async () => {
    const viewer = await world.viewer({ handshakeFor: 'ab'.repeat(20) })
    await untilEvent(viewer, 'closed', late())
    assert.equal(
      eventsOf(viewer).some(({ event }) => event === 'progress'),
      false,
    )
    await viewer[Symbol.asyncDispose]()
  })

  it('bears every hostile peer, and serves an honest one meanwhile', async () => {
    const before = world.gateway.restarts
    // The port for TCP is told all of them (test/hostile); the same engine hears every second one here.
    const some = hostilePeers().filter((_hostile, n) => n % 2 === 0)
    const says = some.map((hostile) => bytesOfHostile(hostile, world.infoHash).toString('hex'))
    says.push(
      Buffer.alloc(4 * MiB).toString('hex'),
      Buffer.from(`\x13BitTorrent protocol${'x'.repeat(48)}`).toString('hex'),
    )
    const few = 5
    const hostile = await Promise.all(
      Array.from({ length: few }, (_, n) => world.viewer({ says: says.filter((_say, i) => i % few === n) })),
    )
    const honest = await world.viewer()
    const { sha256 } = await untilEvent(honest, 'done', late())
    assert.equal(sha256, world.sha256)
    for (const viewer of hostile) await untilEvent(viewer, 'said', late())
    assert.equal(world.gateway.restarts, before)
    for (const viewer of [...hostile, honest]) await viewer[Symbol.asyncDispose]()
  })

  it('bears descriptions that lead nowhere, and answers those that can be read', async () => {
    const before = world.alive?.refused ?? 0
    const sdps = hostileInputs('sdp-session').flatMap(({ bytes }): Sdp[] => {
      try {
        return [sdpOf(Buffer.from(bytes).toString('utf8'))] // what the tracker lets pass
      } catch {
        return []
      }
    })
    assert.ok(sdps.length > 20, `only ${sdps.length}`)
    for (const sdp of sdps) {
      const { token } = await world.portal.grant(world.infoHash)
      const page = await Browser.open(world.tracker.port, token)
      // the tracker gives each to somebody else: one of them to the gateway, whoever is still there
      await page.join({ infoHash: world.infoHash, offers: offersOf(OFFERS, sdp) })
      page.destroy()
    }
    await until(
      'they are refused',
      () => ((world.alive?.refused ?? 0) > before + 10 ? true : undefined),
      late(),
    )
    const honest = await world.viewer()
    await untilEvent(honest, 'done', late())
    await honest[Symbol.asyncDispose]()
  })

  it('keeps little for one that does not read', async () => {
    const viewer = await world.viewer({ reads: false })
    await untilEvent(viewer, 'standing still', late())
    const before = world.alive?.rssBytes ?? 0
    const other = await world.viewer()
    await untilEvent(other, 'done', late())
    assert.ok((world.alive?.rssBytes ?? 0) - before < 64 * MiB)
    viewer.kill('SIGKILL')
    await other[Symbol.asyncDispose]()
  })

  it('is back within two seconds when its process is killed: the page plays on, and no TCP transfer notices', async () => {
    const viewer = await world.viewer()
    await untilEvent(viewer, 'open', late())
    await using seed = await tcpEngine()
    await using leech = await tcpEngine(new MemoryStorage())
    const { torrent } = world.made
    const seeding = seed.add({
      infoHash: torrent.infoHash,
      torrent,
      folder: `${world.dir}/files`,
      mode: 'seed',
    })
    let isComplete = false
    const fetching = leech.add({
      infoHash: torrent.infoHash,
      torrent,
      folder: '/out',
      mode: 'download',
      statePath: '/state',
      limitDown: bytesPerSecond(2 * MiB), // it lasts for longer than the gateway is away
      peers: [{ host: ipAddress('127.0.0.1'), port: seed.port }],
      onEvent: (event) => (isComplete ||= event.kind === 'complete'),
    })
    await until('the transfer runs', () => (fetching.peers().length === 1 ? true : undefined), late())
    const [before] = fetching.peers()
    const { restarts } = world.gateway
    const killedAt = performance.now()
    world.child?.kill()
    await until(
      'it is back',
      () => (world.gateway.restarts > restarts && world.gateway.udpPort !== undefined ? true : undefined),
      late(),
    )
    const backMs = Math.round(performance.now() - killedAt)
    assert.equal(isComplete, false)
    assert.deepEqual(fetching.peers()[0]?.remote, before?.remote)
    const { sha256 } = await untilEvent(viewer, 'done', late())
    await until('the transfer is done', () => (isComplete ? true : undefined), late())
    recordFigures('the gateway is back after kill -9', { backMs, tcpTransfersLost: 0 }, 21)
    assert.equal(sha256, world.sha256)
    assert.ok(backMs <= 2_000, `${backMs} ms`)
    assert.equal(fetching.stats().wastedBytes, 0)
    assert.equal(seeding.stats().uploadedBytes, SIZE)
    await viewer[Symbol.asyncDispose]()
  })

  it('tells the portal what it sent, as a server', async () => {
    await until('it is told', () => (world.gateway.sentBytes >= 4 * SIZE ? true : undefined), late())
    const { body } = await world.metrics.render()
    assert.match(body, /^shoal_gateway_up 1$/m)
    assert.match(body, /^shoal_gateway_restarts 1$/m)
    assert.match(body, /^shoal_gateway_sent_bytes_total [1-9]/m)
  })

  it('sends no piece that rotted on the disk, and serves the release no more', async () => {
    await using file = await open(world.file, 'r+')
    await file.write(Buffer.from('rot'), 0, 3, 3 * MiB)
    const { restarts } = world.gateway
    world.child?.kill() // what it hashed before is in its memory, and good
    await until('it is back', () => (world.gateway.restarts > restarts ? true : undefined), late())
    await until('it serves', () => (world.alive?.releases.length === 1 ? true : undefined), late())
    const viewer = await world.viewer()
    await until('it is dropped', () => (world.alive?.releases.length === 0 ? true : undefined), late())
    assert.equal(
      eventsOf(viewer).some(({ event }) => event === 'done'),
      false,
    )
    await viewer[Symbol.asyncDispose]()
  })

  it('has dropped, within a minute, one whose grant was revoked', async () => {
    const ms = await droppedInMs
    assert.ok(ms < 60_000, `after ${ms} ms`)
    assert.equal(small.gateway.restarts, 0)
    await until('it is gone', () => (small.alive?.releases[0]?.peers === 0 ? true : undefined), late())
  })

  it('is one process, that knows no secret of ours', () => {
    const environment = readFileSync(`/proc/${world.child?.pid ?? 0}/environ`, 'latin1')
    assert.doesNotMatch(environment, /SHOAL_|TOKEN|PASSWORD/i)
  })
})

describe('a gateway without files', function () {
  this.timeout(60_000)

  it('fetches what is watched from the swarm, and passes it on meanwhile', async () => {
    await using world = await GatewayWorld.start(4 * MiB, { fetches: true })
    const { torrent } = world.made
    await using origin = await tcpEngine()
    const { token } = await world.portal.grant(world.infoHash)
    origin.add({
      infoHash: torrent.infoHash,
      torrent,
      folder: `${world.dir}/files`,
      mode: 'seed',
      limitUp: bytesPerSecond(MiB),
      announceUrls: () => [[`http://127.0.0.1:${world.tracker.port}/announce?g=${token}`]],
    })
    world.watch()
    const viewer = await world.viewer()
    await untilEvent(viewer, 'progress', late())
    const { isWhole } = await until('it is told of', () => world.alive?.releases[0], late())
    assert.equal(isWhole, false)
    const { sha256 } = await untilEvent(viewer, 'done', late())
    assert.equal(sha256, world.sha256)
    await until('it has all of it', () => (world.alive?.releases[0]?.isWhole ? true : undefined), late())
  })
})
