/** A torrent for our clients only, over real sockets: who gets it, and that all others get nothing at all. */
import assert from 'node:assert/strict'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ipAddress } from '../../src/core/address.ts'
import { type DeviceId, infoHash, peerIdOfBytes } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { addMillis, epochMillis, hours, millis, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState, DeviceGuard } from '../../src/portal-client/index.ts'
import { type Engine, startEngine, tcpNetwork, type TorrentHandle } from '../../src/swarm/index.ts'
import type { DeviceIdentity } from '../../src/wire/certified-device.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import { encodeHandshake, type Handshake } from '../../src/wire/handshake.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodeOpening } from '../../src/wire/opening.ts'
import { type PermitClaims, signPermit } from '../../src/wire/permit.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'
import { TestCa } from '../support/devices.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'

const HOST = '127.0.0.1'
const made = makeTorrent(300_000)
const HASH = made.torrent.infoHash
const OTHER = infoHash('ab'.repeat(20))
const HANDSHAKE: Handshake = {
  infoHash: HASH,
  peerId: peerIdOfBytes(Buffer.from('-XX0000-abcdefghijkl')),
  hasExtensions: true,
  hasFast: true,
}

/** One portal: its CA, its grant key, and what its feed has told. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock(epochMillis(Date.now())) // TLS goes by the system's date
  readonly control = new ControlState()
  readonly ca: TestCa
  readonly key: SigningKey
  readonly #owned = new AsyncDisposableStack()
  #seq = 1

  private constructor(ca: TestCa, key: SigningKey) {
    this.ca = ca
    this.key = key
  }

  static async open(): Promise<World> {
    const world = new World(await TestCa.make(), (await generateSigningKey('grant')).key)
    world.tell({ kind: 'grant-key', key: world.key.publicKey })
    return world
  }

  tell(event: ControlEvent): void {
    const at = new Date(this.clock.epoch()).toISOString()
    const snapshot = this.#seq === 1
    this.control.apply({ portal: 'https://a.example', seq: this.#seq++, snapshot, at, events: [event] })
  }

  permit(device: DeviceId, claims: Partial<PermitClaims> = {}, key = this.key): Promise<string> {
    const now = this.clock.epoch()
    const expiresAt = addMillis(now, hours(1))
    return signPermit({ infoHash: HASH, id: newGrantId(now), expiresAt, device, ...claims }, key)
  }

  async engine(identity?: DeviceIdentity): Promise<{ engine: Engine; storage: MemoryStorage }> {
    const storage = new MemoryStorage()
    const { clock, control } = this
    const guard =
      identity === undefined ? undefined : new DeviceGuard({ clock, control, identity: () => identity })
    const parts = { clock, random: seededRandom(3), log: silentLogger, network: tcpNetwork(), storage }
    const engine = await startEngine(
      { ...parts, ...(guard === undefined ? {} : { guard }) },
      { listen: { host: HOST, port: 0, portsToTry: 1 }, bindAddress: ipAddress(HOST) },
    )
    this.#owned.use(engine)
    return { engine, storage }
  }

  async seed(identity: DeviceIdentity): Promise<{ engine: Engine; handle: TorrentHandle }> {
    const { engine, storage } = await this.engine(identity)
    for (const [path, bytes] of made.contents) storage.put(`files/${path}`, bytes)
    const handle = engine.add({
      infoHash: HASH,
      torrent: made.torrent,
      folder: 'files',
      mode: 'seed',
      admit: 'ours',
    })
    return { engine, handle }
  }

  async until(isTrue: () => boolean): Promise<void> {
    // mocha's timeout is the bound
    while (!isTrue()) {
      // Slowly: a handshake of TLS is made by the system's clock, and may not take ten seconds of this one.
      this.clock.advance(millis(5))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#owned.disposeAsync()
    let isOver = false
    void ended.then(() => (isOver = true))
    await this.until(() => isOver)
  }
}

/** Everything that the other side says until it hangs up. */
async function heard(socket: Socket, say: (socket: Socket) => void, on: 'connect' | 'secureConnect') {
  let bytes = 0
  socket.on('data', (part) => (bytes += part.length))
  socket.on('error', () => undefined)
  socket.once(on, () => say(socket))
  await new Promise((resolve) => socket.once('close', resolve))
  return bytes
}

const plain = (port: number, bytes: Uint8Array): Promise<number> =>
  heard(connectPlain(port, HOST), (socket) => socket.write(bytes), 'connect')

const tls = (port: number, bytes: Uint8Array, identity?: Pick<DeviceIdentity, 'key' | 'certificate'>) =>
  heard(
    connectTls({
      host: HOST,
      port,
      rejectUnauthorized: false,
      ...(identity === undefined ? {} : { key: identity.key, cert: identity.certificate }),
    }),
    (socket) => socket.write(bytes),
    'secureConnect',
  )

describe('a torrent for our clients only', () => {
  let world: World
  let origin: { engine: Engine; handle: TorrentHandle }
  let device: DeviceIdentity

  beforeEach(async () => {
    world = await World.open()
    origin = await world.seed(await world.ca.device({ isOrigin: true }))
    device = await world.ca.device()
  })
  afterEach(() => world[Symbol.asyncDispose]())

  async function fetch(identity: DeviceIdentity, permit: string, source = origin) {
    const { engine, storage } = await world.engine(identity)
    const events: string[] = []
    const handle = engine.add({
      infoHash: HASH,
      torrent: made.torrent,
      folder: 'files',
      mode: 'download',
      statePath: 'state',
      admit: 'ours',
      permit: () => permit,
      peers: [{ host: ipAddress(HOST), port: source.engine.port }],
      onEvent: ({ kind }) => events.push(kind),
    })
    return { handle, storage, events, engine }
  }

  it('comes to a device with a certificate and a permit, and from that one to the next', async () => {
    const first = await fetch(device, await world.permit(device.device))
    await world.until(() => first.events.includes('complete'))
    const [[path, bytes] = ['', new Uint8Array()]] = [...made.contents]
    assert.ok(Buffer.from(first.storage.files.get(`files/${path}`)?.bytes ?? []).equals(bytes))
    await origin.engine[Symbol.asyncDispose]()
    const other = await world.ca.device()
    const second = await fetch(other, await world.permit(other.device))
    second.handle.addPeers([{ host: ipAddress(HOST), port: first.engine.port }])
    await world.until(() => second.events.includes('complete'))
  })

  it('gives nothing to who speaks plainly, and is closed as an unknown infohash is', async () => {
    const { port } = origin.engine
    for (const bytes of [
      encodeHandshake(HANDSHAKE),
      encodeHandshake({ ...HANDSHAKE, infoHash: OTHER }),
      encodeOpening({ handshake: HANDSHAKE, permit: '' }),
    ]) {
      const began = world.clock.now()
      let heardBytes: number | undefined
      void plain(port, bytes).then((n) => (heardBytes = n))
      await world.until(() => heardBytes !== undefined)
      assert.equal(heardBytes, 0)
      assert.ok(world.clock.now() - began >= seconds(5), 'as late as where a tracker is asked')
    }
  })

  it('gives nothing to who shows no certificate, or one of another CA, origin or not', async () => {
    const { port } = origin.engine
    const opening = encodeOpening({ handshake: HANDSHAKE, permit: await world.permit(device.device) })
    assert.equal(await tls(port, opening), 0)
    const elsewhere = await TestCa.make()
    assert.equal(await tls(port, opening, await elsewhere.device()), 0)
    assert.equal(await tls(port, opening, await elsewhere.device({ isOrigin: true })), 0)
    const now = world.clock.epoch()
    const over = { from: epochMillis(now - hours(3)), until: epochMillis(now - hours(2)) }
    assert.equal(await tls(port, opening, await world.ca.device(over)), 0)
  })

  it('gives nothing to a device without a permit that is its own, for this release, and good now', async () => {
    const { port } = origin.engine
    const { device: id } = device
    const other = await world.ca.device()
    const forger = (await generateSigningKey('grant')).key
    const expiresAt = epochMillis(world.clock.epoch() - hours(1))
    const good = await world.permit(id)
    const permits = {
      none: '',
      'of another device': await world.permit(other.device),
      'for another release': await world.permit(id, { infoHash: OTHER }),
      expired: await world.permit(id, { expiresAt, id: newGrantId(epochMillis(expiresAt - hours(1))) }),
      'by another key': await world.permit(id, {}, forger),
      altered: `${good.slice(0, -6)}AAAAAA`,
    }
    for (const [what, permit] of Object.entries(permits))
      assert.equal(await tls(port, encodeOpening({ handshake: HANDSHAKE, permit }), device), 0, what)
    const unknown = encodeOpening({ handshake: { ...HANDSHAKE, infoHash: OTHER }, permit: good })
    assert.equal(await tls(port, unknown, device), 0)
  })

  it('gives nothing to a device that was revoked, nor for a grant that was, nor once it is recalled', async () => {
    const { port } = origin.engine
    const id = newGrantId(world.clock.epoch())
    const until = new Date(addMillis(world.clock.epoch(), hours(2))).toISOString()
    const revoked = await world.ca.device()
    world.tell({ kind: 'device-revoked', device: revoked.device, until })
    const openingOf = async (identity: DeviceIdentity, claims = {}) =>
      encodeOpening({ handshake: HANDSHAKE, permit: await world.permit(identity.device, claims) })
    assert.equal(await tls(port, await openingOf(revoked), revoked), 0)
    world.tell({ kind: 'grant-revoked', id, until })
    assert.equal(await tls(port, await openingOf(device, { id }), device), 0)
    world.tell({ kind: 'recalled', infohash: HASH })
    assert.equal(await tls(port, await openingOf(device), device), 0)
  })

  it('answers a good device with its own handshake first, and is not there for it without TLS 1.3', async () => {
    const opening = encodeOpening({ handshake: HANDSHAKE, permit: await world.permit(device.device) })
    const chunks: Buffer[] = []
    const at = { host: HOST, port: origin.engine.port, rejectUnauthorized: false }
    const socket = connectTls({ ...at, key: device.key, cert: device.certificate })
    socket.on('data', (part: Buffer) => chunks.push(part)).on('error', () => undefined)
    socket.once('secureConnect', () => socket.write(opening))
    await world.until(() => Buffer.concat(chunks).length > 68)
    assert.deepEqual(Buffer.concat(chunks).subarray(28, 48).toString('hex'), HASH)
    socket.destroy()
    const old = connectTls({ ...at, key: device.key, cert: device.certificate, maxVersion: 'TLSv1.2' })
    assert.equal(await heard(old, () => assert.fail('TLS 1.2 was spoken'), 'secureConnect'), 0)
  })

  it('drops who is connected when the device is revoked, within a second of the word', async () => {
    const opening = encodeOpening({ handshake: HANDSHAKE, permit: await world.permit(device.device) })
    const at = { host: HOST, port: origin.engine.port, rejectUnauthorized: false }
    const socket = connectTls({ ...at, key: device.key, cert: device.certificate })
    socket.on('data', () => undefined).on('error', () => undefined)
    socket.once('secureConnect', () => socket.write(opening))
    await world.until(() => origin.handle.peers().length === 1)
    const until = new Date(addMillis(world.clock.epoch(), hours(2))).toISOString()
    world.tell({ kind: 'device-revoked', device: device.device, until })
    world.clock.advance(seconds(1))
    assert.equal(origin.handle.peers().length, 0)
    await new Promise((resolve) => socket.once('close', resolve))
  })

  it('drops who is connected when its permit has ended, with the leeway of clocks', async () => {
    const expiresAt = addMillis(world.clock.epoch(), seconds(20))
    const permit = await world.permit(device.device, { expiresAt })
    const at = { host: HOST, port: origin.engine.port, rejectUnauthorized: false }
    const socket = connectTls({ ...at, key: device.key, cert: device.certificate })
    socket.on('data', () => undefined).on('error', () => undefined)
    socket.once('secureConnect', () => socket.write(encodeOpening({ handshake: HANDSHAKE, permit })))
    await world.until(() => origin.handle.peers().length === 1)
    world.clock.advance(seconds(90))
    assert.equal(origin.handle.peers().length, 1)
    world.clock.advance(seconds(25))
    assert.equal(origin.handle.peers().length, 0)
  })

  it('hangs up on junk after the first byte of TLS, and on half a handshake in time; others are served', async () => {
    const { port } = origin.engine
    for (const junk of [
      [0x16],
      [0x16, 3, 1],
      [0x16, 3, 1, 0xff, 0xff, 1],
      [0x16, ...new Uint8Array(2_000).fill(0x41)],
    ]) {
      const socket = connectPlain(port, HOST)
      let isClosed = false
      socket.on('error', () => undefined).on('data', () => undefined)
      socket.once('close', () => (isClosed = true))
      socket.write(Uint8Array.from(junk))
      await world.until(() => isClosed)
    }
    const first = await fetch(device, await world.permit(device.device))
    await world.until(() => first.events.includes('complete'))
  })

  it('lets no address keep more half handshakes than strangers may', async () => {
    const sockets = Array.from({ length: limits.unauthenticatedSocketsPerAddressMax + 5 }, () => {
      const socket = connectPlain(origin.engine.port, HOST)
      socket.on('error', () => undefined).on('data', () => undefined)
      socket.write(Uint8Array.of(0x16, 3, 1, 2, 0))
      return socket
    })
    let closed = 0
    for (const socket of sockets) socket.once('close', () => closed++)
    while (closed < 5) await new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed, 5)
    world.clock.advance(limits.handshakeTimeout)
    while (closed < sockets.length) await new Promise((resolve) => setImmediate(resolve))
  })

  it('is not asked of a peer that shows no certificate of the portal', async () => {
    const elsewhere = await TestCa.make()
    const impostor = await world.seed(await elsewhere.device({ isOrigin: true }))
    const { handle } = await fetch(device, await world.permit(device.device), impostor)
    for (let i = 0; i < 200; i++) {
      world.clock.advance(millis(100))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(handle.peers().length, 0)
    assert.equal(handle.stats().receivedBytes, 0)
  })

  it('cannot be added where there is no guard, and a torrent for any client is not served inside TLS', async () => {
    const bare = await world.engine()
    const spec = { infoHash: HASH, torrent: made.torrent, folder: 'files', mode: 'seed' } as const
    assert.throws(() => bare.engine.add({ ...spec, admit: 'ours' }), { code: 'not-granted' })
    assert.equal(await tls(bare.engine.port, Buffer.alloc(1), device), 0)
    const { engine } = await world.engine(await world.ca.device())
    engine.add(spec)
    const opening = encodeOpening({ handshake: HANDSHAKE, permit: await world.permit(device.device) })
    assert.equal(await tls(engine.port, opening, device), 0)
  })
})
