/**
 * Our client fetches from stock clients alone. Portal, tracker and origin are processes of their own here: once
 * each stock client has its release, the origin is stopped, and `shoal get` finds nobody else.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAB_NEEDS, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import {
  eventsOf,
  shoalOk,
  startShoal,
  untilEvent,
  type ShoalEvent,
  type ShoalWhere,
} from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'
import { PROGRAMS_OF, type StockClient, type StockKind } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import { explained, linkTo, titleFor, untilLive, World } from './world.ts'

const KINDS: readonly StockKind[] = ['aria2', 'transmission', 'qbittorrent', 'libtorrent', 'webtorrent']
const jobOf = (kind: StockKind): string => `seeded by ${kind}`

const PORTAL = 'http://10.77.0.1:8080'
const TRACKER = 'http://10.77.0.2:8081'
const DEADLINE_MS = 240_000

describe('shoal get with no other source than a stock client', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  const services: Child[] = []
  const magnets = new Map<StockKind, string>()
  let world: World
  const clients = new Map<StockKind, StockClient>()
  const gets = new Map<StockKind, { child: Child; out: string }>()

  before(async function () {
    needs(this, ...LAB_NEEDS, ...KINDS.flatMap((kind) => PROGRAMS_OF[kind]), 'python3-libtorrent')
    const signal = AbortSignal.timeout(DEADLINE_MS - 20_000)
    world = stack.use(await World.create())
    await world.fillLibrary(KINDS.map(jobOf))
    const { portal, origin } = await startRoles(world, services, signal)
    const token = (await readFile(join(portal.dataDir, 'admin.token'), 'utf8')).trim()
    const slugs = await untilLive(
      portal,
      PORTAL,
      KINDS.map((k) => titleFor(jobOf(k))),
      token,
      signal,
    )
    await Promise.all(
      KINDS.map(async (kind) => {
        const slug = slugs.get(titleFor(jobOf(kind))) ?? ''
        const { torrentFile } = await linkTo(portal, slug)
        const client = await world.start(kind, jobOf(kind), { torrentFile }, signal)
        clients.set(kind, client)
        await explained(client, client.untilComplete(signal))
        magnets.set(kind, String((await shoalOk(portal, 'link', 'link', slug)).magnet))
      }),
    )
    await origin[Symbol.asyncDispose]()
    for (const kind of KINDS) gets.set(kind, await startGet(world, kind, magnets.get(kind) ?? ''))
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') for (const one of services) console.error(one.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  for (const kind of KINDS) {
    it(`completes from ${kind}, every byte equal`, async () => {
      const started = gets.get(kind)
      const client = clients.get(kind)
      assert.ok(started !== undefined && client !== undefined)
      const { child, out } = started
      await explained(client, child.exited)
      const done = eventsOf(child).find((e) => e.event === 'done')
      assert.ok(done !== undefined, `${child.transcript()}\n${await client.transcript()}`)
      assert.deepEqual(await digestsOf(out), await world.digestsFor(jobOf(kind)))
      const from = done.from as { site: number; otherSites: number; origin: number }
      assert.equal(from.origin, 0)
      assert.ok(from.site + from.otherSites >= Number(done.sizeBytes), JSON.stringify(from))
    })
  }
})

/** Portal, tracker and origin, each on a machine of its own; resolves when all three are ready. */
async function startRoles(
  world: World,
  services: Child[],
  signal: AbortSignal,
): Promise<{ portal: ShoalWhere & { host: Host }; origin: Child }> {
  const start = async (name: string, address: string, ...args: readonly string[]): Promise<RunningRole> => {
    const host = await world.lab.addHost(name, address)
    const where = { host, dataDir: join(world.dir, name), logFile: join(world.dir, `${name}.log`) }
    const child = world.own(startShoal(where, name, ...args))
    services.push(child)
    return { where, child, ready: await untilEvent(child, 'ready', signal) }
  }
  const listenAndTell = ['--listen', '10.77.0.1:8080', '--public-url', PORTAL]
  const portal = await start('portal', '10.77.0.1', ...listenAndTell, '--tracker-url', TRACKER)
  const at = ['--portal', PORTAL, '--token-file', join(portal.where.dataDir, 'origin.token')]
  await start('tracker', '10.77.0.2', ...at, '--listen', '10.77.0.2:8081')
  const origin = await start('seeder', '10.77.0.3', ...at, '--library', world.library)
  return { portal: portal.where, origin: origin.child }
}

interface RunningRole {
  readonly where: ShoalWhere & { readonly host: Host }
  readonly child: Child
  readonly ready: ShoalEvent
}

async function startGet(
  world: World,
  kind: StockKind,
  magnet: string,
): Promise<{ child: Child; out: string }> {
  const host = await world.addHost()
  const out = join(world.dir, 'ours', kind)
  const child = world.own(
    startShoal({ host, dataDir: join(world.dir, `data-${kind}`) }, 'get', magnet, '--out', out),
  )
  return { child, out }
}
