/** Figures of real transfers: what the ends counted, what the portal was told, and what it says. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { FigureReader } from '../../src/portal/figures/figures.ts'
import { systemClock } from '../../src/platform/clock.ts'
import type { Figures, WhoHasIt } from '../../src/wire/api.ts'
import { eventsOf, untilEvent } from '../support/processes-shoal.ts'
import { FILE, Running } from './running.ts'

const TIMEOUT_MS = 120_000
/** Slow enough that the two have something to give each other. */
const ORIGIN_RATE = '4MB'

describe('Figures of transfers between sites', function () {
  this.timeout(TIMEOUT_MS)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-sites-')), (made) =>
      rm(made, { recursive: true }),
    )
    const sites = join(dir, 'sites')
    await writeFile(sites, 'lyon 127.1.1.0/24\noslo 127.1.2.0/24\n')
    running = stack.use(
      await Running.start(AbortSignal.timeout(90_000), '--sites', sites, '--limit-up', ORIGIN_RATE),
    )
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  const get = async <T>(path: string): Promise<T> => {
    const token = (await readFile(join(running.dataDir, 'admin.token'), 'utf8')).trim()
    const answer = await fetch(`${running.portal}/api/v1${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(answer.status, 200)
    return (await answer.json()) as T
  }

  it('are what the clients counted, then what the origin counted, to the byte', async () => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const addresses = ['127.1.1.1', '127.1.2.1', '127.1.1.2']
    const clients = addresses.map((address, n) =>
      running.start(
        `client${n}`,
        'get',
        FILE.bundle,
        '--out',
        running.person(`client${n}`).out,
        '--bind',
        address,
        '--seed',
        'forever',
      ),
    )
    const from = { site: 0, otherSites: 0, origin: 0 }
    for (const client of clients) {
      const done = (await untilEvent(client, 'done', signal))['from'] as typeof from
      for (const key of ['site', 'otherSites', 'origin'] as const) from[key] += done[key]
    }
    let given = 0
    for (const client of clients) {
      client.kill('SIGTERM')
      assert.equal((await client.exited).code, 0, client.transcript())
      given += Number(eventsOf(client).find(({ event }) => event === 'stopped')?.['uploadedBytes'])
    }
    assert.equal(from.site + from.otherSites + from.origin, 3 * FILE.sizeBytes)

    const { total, sites } = await get<Figures>('/figures')
    assert.deepEqual(
      {
        site: total.fromSite,
        otherSites: total.fromOtherSites,
        origin: total.receiversSay.origins,
        given: total.given,
      },
      { ...from, given },
    )
    assert.deepEqual(sites.map(({ site }) => site).sort(), ['lyon', 'oslo'])
    const oslo = sites.find(({ site }) => site === 'oslo')
    assert.equal(oslo?.wanCopies, 1) // one machine, far from the origin
    const who = await get<WhoHasIt>(`/bundles/${FILE.bundle}/who-has-it`)
    assert.equal(who.releases[0]?.others, 1) // all three by the admin's token, who has no account

    // The origin says the same of what it sent, at the latest when it stops.
    await running.up[Symbol.asyncDispose]()
    const db = stack.adopt(await openDatabase(join(running.dataDir, 'portal.sqlite')), (opened) =>
      opened.destroy(),
    )
    const reader = new FigureReader({ db, clock: systemClock })
    const after = (await reader.read(reader.range({}))).total
    assert.ok(after.serversSay.origins >= from.origin, JSON.stringify(after))
    assert.ok(after.serversSay.origins <= 1.05 * from.origin, JSON.stringify(after))
    const { items } = await reader.releases(reader.range({}), { limit: 5 })
    assert.deepEqual(
      items.map(({ bundle, disagreement }) => ({ bundle, disagreement })),
      [{ bundle: FILE.bundle, disagreement: null }],
    )
  })
})
