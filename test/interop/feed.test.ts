/** qBittorrent subscribes to a person's feed and fetches what is in it, by itself; until the feed is taken back. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAB_NEEDS, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { runOk, type Child } from '../support/processes.ts'
import { shoalOk, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { PROGRAMS_OF } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import { explained, titleFor, untilLive, World } from './world.ts'

const JOB = 'subscribed'
const PORTAL = 'http://10.77.0.1:8080'
const PASSWORD = 'lamp river nineteen cobalt'
const DEADLINE_MS = 150_000

describe('a feed of one’s own', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  let signal: AbortSignal
  let world: World
  let up: Child
  let where: ShoalWhere & { host: Host }

  before(async function () {
    needs(this, ...LAB_NEEDS, ...PROGRAMS_OF.qbittorrent)
    signal = AbortSignal.timeout(DEADLINE_MS - 10_000)
    world = stack.use(await World.create())
    await world.fillLibrary([JOB])
    where = { host: await world.lab.addHost('origin', '10.77.0.1'), dataDir: join(world.dir, 'data') }
    const listen = ['--listen', '10.77.0.1:8080', '--public-url', PORTAL]
    up = world.own(startShoal(where, 'up', '--library', world.library, ...listen))
    await untilEvent(up, 'ready', signal)
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    await untilLive(where, PORTAL, [titleFor(JOB)], token, signal)
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  /** As a browser without JavaScript on the portal's machine. */
  async function page(path: string, form: Record<string, string> = {}): Promise<string> {
    const jar = join(world.dir, 'cookies')
    const fields = Object.entries(form).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`])
    const url = path.startsWith('http') ? path : `${PORTAL}${path}`
    return runOk(where.host.argv(['curl', '-sS', '-L', '-b', jar, '-c', jar, ...fields, url]))
  }

  it('is read by qBittorrent, which fetches what it names, every byte equal', async () => {
    const { invitation } = (await shoalOk(where, 'user', 'user', 'add', 'ann')) as unknown as {
      invitation: { url: string }
    }
    await page(invitation.url, { password: PASSWORD })
    const csrf = /name="_csrf" value="([^"]+)"/.exec(await page('/account'))?.[1] ?? ''
    const made = await page('/account/feed', { _csrf: csrf })
    const feed = /value="(http[^"]+\/feeds\/[\w-]{43}\/all\.xml)"/.exec(made)?.[1] ?? ''
    const client = await world.start('qbittorrent', JOB, { feed }, signal)
    await explained(client, client.untilComplete(signal))
    assert.deepEqual(await digestsOf(world.folderOf(JOB)), await world.digestsFor(JOB))

    assert.match(await page(feed), /<enclosure /)
    await page('/account/feed/delete', { _csrf: csrf })
    assert.match(await page(feed), /taken back/)
  })
})
