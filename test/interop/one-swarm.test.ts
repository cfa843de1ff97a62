/**
 * Everybody at once: an origin that is slower than its clients together, two clients of ours at two sites, and
 * every stock client, all in one swarm with one link. Whoever comes first has much from the origin, and passes it on:
 * together ours draw less than one of them alone would.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAB_NEEDS, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'
import { PROGRAMS_OF, type StockClient, type StockKind } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import { explained, linkTo, onlyContent, titleFor, untilLive, World } from './world.ts'

const KINDS: readonly StockKind[] = ['aria2', 'transmission', 'qbittorrent', 'libtorrent', 'webtorrent']
/** Two sites: without a site map, each /24 is one. */
const OURS = [
  { name: 'lyon', address: '10.77.1.5' },
  { name: 'oslo', address: '10.77.2.5' },
] as const
const JOB = 'for everybody'
const PORTAL = 'http://10.77.0.1:8080'
/** The release is 8.5 MB. */
const ORIGIN_RATE = '1MB'
const DEADLINE_MS = 180_000

describe('one swarm of our clients and every stock client', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  const stock = new Map<StockKind, StockClient>()
  const gets = new Map<string, { child: Child; out: string }>()
  let world: World
  let up: Child

  before(async function () {
    needs(this, ...LAB_NEEDS, ...KINDS.flatMap((kind) => PROGRAMS_OF[kind]), 'python3-libtorrent')
    const signal = AbortSignal.timeout(DEADLINE_MS - 20_000)
    world = stack.use(await World.create())
    await world.fillLibrary([JOB])
    const host = await world.lab.addHost('origin', '10.77.0.1')
    const where: ShoalWhere & { host: Host } = { host, dataDir: join(world.dir, 'data') }
    const listen = ['--listen', '10.77.0.1:8080', '--public-url', PORTAL, '--limit-up', ORIGIN_RATE]
    up = world.own(startShoal(where, 'up', '--library', world.library, ...listen))
    await untilEvent(up, 'ready', signal)
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    const slugs = await untilLive(where, PORTAL, [titleFor(JOB)], token, signal)
    const link = await linkTo(where, slugs.get(titleFor(JOB)) ?? '')
    const { torrentFile } = link
    await Promise.all([
      ...KINDS.map(async (kind) => stock.set(kind, await world.start(kind, kind, { torrentFile }, signal))),
      ...OURS.map(async ({ name, address }) => {
        const at = { host: await world.lab.addHost(name, address), dataDir: join(world.dir, name) }
        const out = world.folderOf(name)
        const child = world.own(startShoal(at, 'get', link.magnet, '--out', out, '--seed', 'forever'))
        gets.set(name, { child, out })
      }),
    ])
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  const fromOrigin: number[] = []
  let sizeBytes = 0
  for (const { name } of OURS) {
    it(`our client in ${name} ends with equal bytes`, async () => {
      const { child, out } = gets.get(name) ?? {}
      assert.ok(child !== undefined && out !== undefined)
      const done = await untilEvent(child, 'done', AbortSignal.timeout(120_000))
      assert.deepEqual(await digestsOf(out), await world.digestsFor(JOB))
      sizeBytes = Number(done.sizeBytes)
      fromOrigin.push((done.from as { origin: number }).origin)
    })
  }

  it('our clients together drew less than one copy from the origin', () => {
    assert.equal(fromOrigin.length, OURS.length)
    const drawn = fromOrigin.reduce((sum, bytes) => sum + bytes, 0)
    assert.ok(drawn < sizeBytes, `${fromOrigin.join(' and ')} of ${sizeBytes} bytes`)
  })

  for (const kind of KINDS) {
    it(`${kind} ends with equal bytes`, async () => {
      const client = stock.get(kind)
      assert.ok(client !== undefined)
      await explained(client, client.untilComplete(AbortSignal.timeout(120_000)))
      const got = await digestsOf(world.folderOf(kind))
      assert.deepEqual(onlyContent(kind, got), onlyContent(kind, await world.digestsFor(JOB)))
    })
  }
})
