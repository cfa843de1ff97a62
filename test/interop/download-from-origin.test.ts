/**
 * Stock clients and `shoal up`, each on a machine of its own. Each client has a release to itself, so that
 * every byte it gets must come from our origin, by our tracker, with the grant of its link.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../support/namespaces.ts'
import { LAB_NEEDS } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { shoalOk, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { PROGRAMS_OF, type StockClient, type StockKind } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import {
  explained,
  linkTo,
  onlyContent,
  SHA_OF_NOTHING,
  titleFor,
  untilLive,
  World,
  type SignedLink,
} from './world.ts'

type Form = 'torrent' | 'magnet'

const KINDS: readonly StockKind[] = ['aria2', 'transmission', 'qbittorrent', 'libtorrent', 'webtorrent']
const MAGNET_KINDS = KINDS.filter((kind) => kind !== 'webtorrent')
const JOBS: readonly { readonly kind: StockKind; readonly form: Form }[] = [
  ...KINDS.map((kind) => ({ kind, form: 'torrent' }) as const),
  ...MAGNET_KINDS.map((kind) => ({ kind, form: 'magnet' }) as const),
]
const nameOf = (kind: StockKind, form: Form): string => `${kind} by ${form}`

/** The links given as magnets work for this long, and then for the tracker's leeway of 90 s. */
const SHORT_LIFE = '20s'
const DEADLINE_MS = 240_000

describe('stock clients with links of shoal up', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  let world: World
  let up: Child
  let where: ShoalWhere & { host: Host }
  const links = new Map<string, SignedLink>()
  const clients = new Map<string, StockClient>()
  const clientOf = (kind: StockKind, form: Form): StockClient => {
    const client = clients.get(nameOf(kind, form))
    assert.ok(client !== undefined, 'its client did not start')
    return client
  }

  before(async function () {
    needs(this, ...LAB_NEEDS, ...KINDS.flatMap((kind) => PROGRAMS_OF[kind]), 'python3-libtorrent')
    const signal = AbortSignal.timeout(DEADLINE_MS - 10_000)
    world = stack.use(await World.create())
    const jobs = JOBS.map(({ kind, form }) => nameOf(kind, form))
    await world.fillLibrary(jobs)
    const origin = await world.lab.addHost('origin', '10.77.0.1')
    where = { host: origin, dataDir: join(world.dir, 'data'), logFile: join(world.dir, 'up.log') }
    up = world.own(startShoal(where, ...UP_FLAGS, '--library', world.library))
    await untilEvent(up, 'ready', signal)
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    const slugs = await untilLive(where, PORTAL, jobs.map(titleFor), token, signal)
    // All at once: that is how long the slowest takes, not their sum.
    await Promise.all(
      JOBS.map(async ({ kind, form }) => {
        const job = nameOf(kind, form)
        const flags = form === 'magnet' ? ['--expires', SHORT_LIFE] : []
        const link = await linkTo(where, slugs.get(titleFor(job)) ?? '', ...flags)
        links.set(job, link)
        const source = form === 'magnet' ? { magnet: link.magnet } : { torrentFile: link.torrentFile }
        clients.set(job, await world.start(kind, job, source, signal))
      }),
    )
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  for (const { kind, form } of JOBS) {
    it(`${kind} downloads from our origin by ${form}, every byte equal`, async () => {
      const client = clientOf(kind, form)
      await explained(client, client.untilComplete(AbortSignal.timeout(100_000)))
      const job = nameOf(kind, form)
      const got = await digestsOf(world.folderOf(job))
      assert.deepEqual(onlyContent(kind, got), onlyContent(kind, await world.digestsFor(job)))
    })
  }

  for (const kind of KINDS) {
    it(`${kind} shows that its grant was revoked at its next announce`, async () => {
      const client = clientOf(kind, 'torrent')
      const { grant } = links.get(nameOf(kind, 'torrent')) ?? {}
      await shoalOk(where, 'revoked', 'revoke', String(grant))
      assert.match(await untilRefused(client), /revoked/)
    })
  }

  for (const kind of KINDS) {
    it(`${kind} gets no peer and no byte with a revoked grant`, async () => {
      const { torrentFile } = links.get(nameOf(kind, 'torrent')) ?? {}
      const job = `${kind} too late`
      const client = await world.start(
        kind,
        job,
        { torrentFile: String(torrentFile) },
        AbortSignal.timeout(60_000),
      )
      await untilRefused(client)
      assert.equal(await client.peers(), 0)
      const whole = Object.values(await world.digestsFor(nameOf(kind, 'torrent')))
      const got = Object.values(await digestsOf(world.folderOf(job)))
      assert.deepEqual(
        got.filter((sha) => sha !== SHA_OF_NOTHING && whole.includes(sha)),
        [],
      )
    })
  }

  for (const kind of MAGNET_KINDS) {
    it(`${kind} shows that its grant has expired at its next announce`, async () => {
      assert.match(await untilRefused(clientOf(kind, 'magnet')), /grant expired at \d{4}-.*get a fresh link/)
    })
  }
})

const PORTAL = 'http://10.77.0.1:8080'
const UP_FLAGS = ['up', '--listen', '10.77.0.1:8080', '--public-url', PORTAL, '--peer-port', '16881']
/** Time for an announce to be answered and shown, before the next is asked for. */
const LOOKS_PER_ANNOUNCE = 15

/** Has it announce, again and again, until it shows a refusal, and gives the words. */
function untilRefused(client: StockClient): Promise<string> {
  let looks = 0
  const seen = until(
    `a tracker refusal shown by ${client.kind}`,
    async () => {
      const shown = await client.trackerError()
      if (shown === undefined && looks++ % LOOKS_PER_ANNOUNCE === 0) await client.reannounce()
      return shown
    },
    AbortSignal.timeout(150_000),
  )
  return explained(client, seen)
}
