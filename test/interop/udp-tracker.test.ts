/**
 * libtorrent over udp:// alone, on machines of their own: its grant is in the URL that it sends as BEP 41's option,
 * and every byte it gets must come from peers that our tracker told it of over UDP.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeTorrent, parseTorrent } from '../../src/wire/torrent.ts'
import { httpOn, LAB_NEEDS, type Host } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { shoalOk, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { PROGRAMS_OF, type StockClient } from '../support/stock-clients.ts'
import { digestsOf } from '../support/tree.ts'
import { explained, linkTo, titleFor, untilLive, World, type SignedLink } from './world.ts'

const JOB = 'over UDP'
const PORTAL = 'http://10.77.0.1:8080'
const TRACKER = 'udp://10.77.0.1:6969'
/** All that it says: it takes the text from the wrong place of the packet (so 2.0.8, and 2.1.0 too), and has none. */
const FAILURE = /^tracker sent a failure message$/
const DEADLINE_MS = 150_000

describe('libtorrent over UDP', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  let signal: AbortSignal
  let world: World
  let up: Child
  let where: ShoalWhere & { host: Host }
  let link: SignedLink
  let client: StockClient

  /** The link's torrent with our UDP tracker in place of the HTTP one, and the query that `queryOf` makes. */
  async function startWith(job: string, query: string): Promise<StockClient> {
    const { infoBytes } = parseTorrent(await readFile(link.torrentFile))
    const announce = [[`${TRACKER}/announce${query}`]]
    const torrentFile = join(world.dir, `${job}.torrent`)
    await writeFile(torrentFile, encodeTorrent({ infoBytes, announce, createdBy: 'test' }))
    return world.start('libtorrent', job, { torrentFile }, signal)
  }

  before(async function () {
    needs(this, ...LAB_NEEDS, ...PROGRAMS_OF.libtorrent, 'python3-libtorrent')
    signal = AbortSignal.timeout(DEADLINE_MS - 10_000)
    world = stack.use(await World.create())
    await world.fillLibrary([JOB])
    where = { host: await world.lab.addHost('origin', '10.77.0.1'), dataDir: join(world.dir, 'data') }
    const listen = ['--listen', '10.77.0.1:8080', '--public-url', PORTAL, '--udp-port', '6969']
    up = world.own(startShoal(where, 'up', '--library', world.library, ...listen))
    const ready = await untilEvent(up, 'ready', signal)
    assert.equal(ready.udpPort, 6_969)
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    const slugs = await untilLive(where, PORTAL, [titleFor(JOB)], token, signal)
    link = await linkTo(where, slugs.get(titleFor(JOB)) ?? '')
    const [[announceUrl = ''] = []] = parseTorrent(await readFile(link.torrentFile)).announce
    client = await startWith(JOB, new URL(announceUrl).search)
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })

  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  it('downloads with the grant of its link, every byte equal', async () => {
    await explained(client, client.untilComplete(signal))
    assert.deepEqual(await digestsOf(world.folderOf(JOB)), await world.digestsFor(JOB))
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    const { body } = await httpOn(where.host, `${PORTAL}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.match(body, /^shoal_tracker_udp_connects [1-9]/m)
  })

  it('shows that it was refused without a grant, and gets no peer', async () => {
    const stranger = await startWith('without a grant', '')
    assert.match(await untilRefused(stranger), FAILURE)
    assert.equal(await stranger.peers(), 0)
  })

  it('shows that it was refused once its grant was revoked', async () => {
    await shoalOk(where, 'revoked', 'revoke', link.grant)
    assert.match(await untilRefused(client), FAILURE)
  })

  /** Has it announce until it shows a refusal, and gives the words. */
  function untilRefused(of: StockClient): Promise<string> {
    let looks = 0
    const seen = until(
      'a refusal shown by libtorrent',
      async () => {
        const shown = await of.trackerError()
        if (shown === undefined && looks++ % 15 === 0) await of.reannounce()
        return shown
      },
      signal,
    )
    return explained(of, seen)
  }
})
