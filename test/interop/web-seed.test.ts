/**
 * Stock clients with links that have a web seed (BEP 19), where no peer can be reached: the origin tells of itself an
 * address at which nobody listens. Every byte they get comes from the portal, over HTTP.
 */
import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../support/namespaces.ts'
import { httpOn, LAB_NEEDS } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'
import { PROGRAMS_OF, type StockKind } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import { explained, linkTo, onlyContent, titleFor, untilLive, World } from './world.ts'

/** Not webtorrent: it puts names into the address as they are, so that a `#` in one ends it. */
const KINDS: readonly StockKind[] = ['aria2', 'transmission', 'qbittorrent', 'libtorrent']
const PORTAL = 'http://10.77.0.1:8080'
const NOBODY = '10.77.0.250'
const UP_FLAGS = ['up', '--listen', '10.77.0.1:8080', '--public-url', PORTAL, '--peer-port', '16881']
const DEADLINE_MS = 200_000

describe('stock clients that reach no peer, with links that have a web seed', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  let world: World
  let up: Child
  let token: string
  let where: ShoalWhere & { host: Host }
  let slugs: Map<string, string>

  before(async function () {
    needs(this, ...LAB_NEEDS, ...KINDS.flatMap((kind) => PROGRAMS_OF[kind]), 'python3-libtorrent')
    const signal = AbortSignal.timeout(DEADLINE_MS - 10_000)
    world = stack.use(await World.create())
    await world.fillLibrary(KINDS)
    const origin = await world.lab.addHost('origin', '10.77.0.1')
    where = { host: origin, dataDir: join(world.dir, 'data'), logFile: join(world.dir, 'up.log') }
    up = world.own(startShoal(where, ...UP_FLAGS, '--peer-host', NOBODY, '--library', world.library))
    await untilEvent(up, 'ready', signal)
    token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    slugs = await untilLive(where, PORTAL, KINDS.map(titleFor), token, signal)
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  /** By the web seed, as the portal counts them. */
  async function sentBytes(): Promise<number> {
    const headers = { authorization: `Bearer ${token}` }
    const { body } = await httpOn(where.host, `${PORTAL}/metrics`, { headers })
    return Number(/^shoal_portal_web_seed_bytes_total (\d+)/m.exec(body)?.[1])
  }

  for (const kind of KINDS) {
    it(`${kind} has every byte from the portal`, async () => {
      const before = await sentBytes()
      const link = await linkTo(where, slugs.get(titleFor(kind)) ?? '', '--web-seed')
      const source = { torrentFile: link.torrentFile }
      const client = await world.start(kind, kind, source, AbortSignal.timeout(60_000))
      await explained(client, client.untilComplete(AbortSignal.timeout(100_000)))
      const got = await digestsOf(world.folderOf(kind))
      assert.deepEqual(onlyContent(kind, got), onlyContent(kind, await world.digestsFor(kind)))
      const sizeBytes = await sizeOf(join(world.library, titleFor(kind)))
      const sent = (await sentBytes()) - before
      assert.ok(sent >= sizeBytes && sent <= 1.5 * sizeBytes, `${sent} bytes sent of ${sizeBytes}`)
    })
  }
})

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  )
  return sizes.reduce((a, b) => a + b, 0)
}
