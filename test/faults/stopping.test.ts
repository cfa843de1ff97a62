/** Promise 20: told to end, at any moment, everything ends in order and in time. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { peerId, slug, type InfoHash } from '../../src/core/ids.ts'
import { MiB } from '../../src/core/units.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { FILE, FOLDER, Running } from '../e2e/running.ts'
import { recordFigures } from '../support/figures.ts'
import { takeLease } from '../support/leased.ts'
import { eventsOf, startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { makeTree } from '../support/tree.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'
import { Points } from './support/points.ts'

const ENDS_WITHIN_MS = 10_000
const PEERS = 200
const OPEN_REQUESTS = 50
const FILES = { 'film.mp4': 12 * MiB + 7 }

/** Sends SIGTERM; gives how long the end took. */
async function ends(child: Child, codes: readonly (number | null)[]): Promise<number> {
  const toldAt = performance.now()
  child.kill('SIGTERM')
  const { code, signal } = await child.exited
  const tookMs = Math.round(performance.now() - toldAt)
  // Before the program has run a line, the system's own answer to SIGTERM is the end.
  assert.ok(codes.includes(code) || (code === null && signal === 'SIGTERM'), child.transcript())
  assert.ok(tookMs <= ENDS_WITHIN_MS, `${tookMs} ms\n${child.transcript()}`)
  assert.doesNotMatch(child.errors.join('\n'), /still stopping|did not expect|\n\s+at /)
  return tookMs
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('SIGTERM', function () {
  this.timeout(0)
  const stack = new AsyncDisposableStack()
  let dir: string
  let origin: DirectOrigin
  let running: Running

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    origin = stack.use(await DirectOrigin.start(dir, { files: FILES, limitUp: 8 * MiB }))
  })
  after(() => stack.disposeAsync())

  it('at any moment of a download ends it within ten seconds, with its leave taken at the tracker', async () => {
    const points = new Points('SIGTERM of get', { inCi: 6, long: 100 })
    let tookMsMax = 0
    for (let n = 0; n < points.count; n++) {
      const from = origin.announced.length
      const args = ['get', origin.torrentFile, '--out', join(dir, `out-${n}`), '--bind', '127.0.0.2']
      await using get = startShoal({ dataDir: join(dir, `data-${n}`) }, ...args, '--seed', 'forever')
      await Promise.race([wait(points.ms(2_200)), get.exited])
      tookMsMax = Math.max(tookMsMax, await ends(get, [0, 5]))
      const said = origin.announced.slice(from)
      if (said.includes('started')) assert.equal(said.at(-1), 'stopped', said.join(', '))
      await rm(join(dir, `out-${n}`), { recursive: true, force: true })
    }
    recordFigures('SIGTERM of get', { stops: points.count, tookMsMax }, 20)
  })

  it('does not wait for a tracker that is gone', async () => {
    const args = [
      'get',
      origin.torrentFile,
      '--out',
      join(dir, 'out'),
      '--bind',
      '127.0.0.2',
      '--seed',
      'forever',
    ]
    await using get = startShoal({ dataDir: join(dir, 'data') }, ...args)
    await untilEvent(get, 'seeding', AbortSignal.timeout(30_000))
    origin.isTrackerDown = true
    await ends(get, [0])
    origin.isTrackerDown = false
    assert.equal(eventsOf(get).at(-1)?.event, 'stopped')
  })

  it('at any moment of a start of up, portal, tracker and seeder is an end and no failure', async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(50_000)))
    const { env } = running.person('admin')
    const points = new Points('SIGTERM of a start', { inCi: 7, long: 100 })
    let tookMsMax = 0
    const commands = [
      ['up', '--listen', '127.0.0.1:0', '--peer-port', '0', '--library', join(dir, CONTENT)],
      ['portal', '--listen', '127.0.0.1:0'],
      ['tracker', '--listen', '127.0.0.1:0'],
      ['seeder', '--peer-port', '0', '--library', join(dir, CONTENT)],
    ]
    for (let n = 0; n < points.count; n++) {
      const command = commands[n % commands.length] ?? []
      const isService = command[0] === 'tracker' || command[0] === 'seeder'
      const where = { dataDir: join(dir, `service-${n}`), ...(isService ? { env } : {}) }
      await using service = startShoal(where, ...command)
      await wait(points.ms(1_200))
      tookMsMax = Math.max(tookMsMax, await ends(service, [0]))
    }
    recordFigures('SIGTERM of a start', { stops: points.count, tookMsMax }, 20)
  })

  it('ends a publish that waits for the origin, and says how to go on', async () => {
    const path = join(dir, 'far')
    await makeTree(path, 'far', { 'large.bin': 8 * MiB })
    const flags = ['--title', 'Far', '--bind', '127.0.0.3', '--limit-up', '1MB']
    const publish = running.start('far', 'publish', path, ...flags)
    await publish.untilLine(
      (line) => line.includes('"replicating"') || undefined,
      AbortSignal.timeout(30_000),
    )
    await ends(publish, [5])
    assert.match(publish.errors.at(-1) ?? '', /run the same command again/)
  })

  it('ends up under 200 peers and open requests within ten seconds, and its ports are closed', async () => {
    const info = await running.run('admin', 'info', FOLDER.bundle)
    const infoHash = String(info.events.find((e) => e.event === 'release')?.infohash) as InfoHash
    const sockets: Socket[] = []
    const dial = async (port: number, localAddress: string, bytes: Uint8Array): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', localAddress })
      sockets.push(socket)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(bytes)
      return socket
    }
    const token = (await readFile(join(running.dataDir, 'admin.token'), 'utf8')).trim()
    const client = new PortalClient({ baseUrl: running.portal, token })
    for (let n = 0; n < PEERS; n++) {
      await takeLease(client, slug(FOLDER.bundle), 'latest', `127.0.1.${n + 1}`)
      const id = peerId(n.toString(16).padStart(40, '0'))
      const hello = encodeHandshake({ infoHash, peerId: id, hasExtensions: false, hasFast: true })
      await once(await dial(running.peerPort, `127.0.1.${n + 1}`, hello), 'data')
    }
    const port = Number(new URL(running.portal).port)
    const half = Buffer.from('GET /api/v1/bundles HTTP/1.1\r\nhost: half') // and no more
    for (let n = 0; n < OPEN_REQUESTS; n++) await dial(port, '127.0.0.1', half)
    const get = running.start(
      'busy',
      'get',
      FILE.bundle,
      '--out',
      running.person('busy').out,
      '--limit-down',
      '1MB',
    )
    await until(
      'bytes',
      () => eventsOf(get).some((e) => Number(e.bytes) > 0) || undefined,
      AbortSignal.timeout(30_000),
    )
    const tookMs = await ends(running.up, [0])
    for (const closed of [port, running.peerPort]) assert.equal(await isOpen(closed), false)
    for (const socket of sockets) socket.destroy()
    recordFigures('SIGTERM of up', { peers: PEERS, tookMs }, 20)
    await ends(get, [5])
  })
})
