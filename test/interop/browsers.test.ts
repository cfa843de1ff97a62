/** The tracker client of WebTorrent, as every page with webtorrent has it, at a tracker that is ours. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { parseMagnet } from '../../src/wire/magnet.ts'
import { LAB_NEEDS, startOn } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { shoalOk, startShoal, untilEvent } from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'
import { linkTo, titleFor, untilLive, World } from './world.ts'

const JOB = 'for browsers'
const PORTAL = 'http://10.77.0.1:8080'
const DEADLINE_MS = 120_000
const AGAIN_AFTER_MS = 15_000

type Line = Readonly<Record<string, unknown>>

describe('the tracker client of WebTorrent', function () {
  this.timeout(DEADLINE_MS)
  const stack = new AsyncDisposableStack()
  let world: World
  let up: Child
  let tracker: string
  let infoHash: string
  let revoke: () => Promise<unknown>
  let ann: Child
  let ben: Child

  const untilSaid = (child: Child, fits: (line: Line) => boolean): Promise<Line> =>
    child.untilLine(
      (text) => {
        const line = JSON.parse(text) as Line
        return fits(line) ? line : undefined
      },
      AbortSignal.timeout(DEADLINE_MS - 20_000),
    )

  async function start(peerId: string): Promise<Child> {
    const host = await world.addHost()
    const program = join(import.meta.dirname, '..', 'support', 'webrtc-peer.ts')
    return world.own(startOn(host, { argv: [process.execPath, program, tracker, infoHash, peerId] }))
  }

  before(async function () {
    needs(this, ...LAB_NEEDS)
    const signal = AbortSignal.timeout(DEADLINE_MS - 20_000)
    world = stack.use(await World.create())
    await world.fillLibrary([JOB])
    const host = await world.lab.addHost('origin', '10.77.0.1')
    const where = { host, dataDir: join(world.dir, 'data') }
    up = world.own(startShoal(where, 'up', '--library', world.library, '--listen', '10.77.0.1:8080', '--public-url', PORTAL))
    await untilEvent(up, 'ready', signal)
    const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
    const slugs = await untilLive(where, PORTAL, [titleFor(JOB)], token, signal)
    const link = await linkTo(where, slugs.get(titleFor(JOB)) ?? '')
    const magnet = parseMagnet(link.magnet)
    infoHash = magnet.infoHash
    tracker = (magnet.trackers[0] ?? '').replace(/^http/, 'ws')
    revoke = () => shoalOk(where, 'revoked', 'revoke', link.grant)
    ann = await start('aa'.repeat(20))
    await untilSaid(ann, ({ incomplete }) => incomplete === 1)
    ben = await start('bb'.repeat(20))
  }) // prettier-ignore
  after(() => stack.disposeAsync())

  it('connects to another by the offers and answers that `shoal up` passes on', async () => {
    // On a busy machine its WebRTC loses an answer now and then, and says so; as any client does, it asks again.
    const asking = setInterval(() => ben.write('again\n'), AGAIN_AFTER_MS)
    try {
      await untilSaid(ben, ({ heard }) => heard === `hello from ${'aa'.repeat(20)}`)
      await untilSaid(ann, ({ heard }) => heard === `hello from ${'bb'.repeat(20)}`)
    } finally {
      clearInterval(asking)
    }
  })

  it('reads how many there are, the origin among them when it announces', async () => {
    const counted = await untilSaid(ben, ({ incomplete }) => incomplete === 2)
    assert.ok(typeof counted['complete'] === 'number')
    ben.write('scrape\n')
    assert.deepEqual(await untilSaid(ben, ({ downloaded }) => downloaded !== undefined), { downloaded: 0 })
  })

  it('shows why its grant is refused, once it is revoked', async () => {
    await revoke()
    const { warning } = await untilSaid(ben, (line) => /revoked/.test(String(line['warning'])))
    assert.match(String(warning), /revoked/)
  })

  it('leaves no error behind, in it or in `shoal up`', () => {
    for (const child of [ann, ben]) assert.ok(!child.lines.some((line) => line.includes('"error"')), child.transcript())
    assert.equal(up.hasExited, false)
  }) // prettier-ignore
})
