/** A link with a web seed, where peers cannot be reached: the origin tells of itself an address that it is not at. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { untilEvent } from '../support/processes-shoal.ts'
import { digestsOf } from '../support/tree.ts'
import { FILE, FOLDER, printed, Running } from './running.ts'

interface Done {
  readonly sizeBytes: number
  readonly from: Record<'site' | 'otherSites' | 'origin' | 'webSeed', number>
}

describe('a link with a web seed', function () {
  this.timeout(180_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    // It listens for peers on IPv4 only.
    running = stack.use(await Running.start(AbortSignal.timeout(90_000), '--peer-host', '::1'))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  async function link(bundle: string, ...flags: string[]): Promise<string> {
    const made = await running.run('admin', 'link', bundle, '--web-seed', ...flags)
    assert.equal(made.code, 0, printed(made))
    return String(made.events.find((event) => event.event === 'link')?.magnet)
  }

  const bind = ['--bind', '127.0.0.1', '--peer-port', '0']

  for (const { name, bundle } of [FILE, FOLDER])
    it(`gives all of "${name}" by the portal when no peer can be reached, and says so`, async () => {
      const magnet = await link(bundle)
      const { out } = running.person('alone')
      const got = await running.run('alone', 'get', magnet, '--out', out, ...bind)
      assert.equal(got.code, 0, printed(got))
      const done = got.events.find((event) => event.event === 'done') as unknown as Done
      const fetched = done.from.webSeed
      assert.deepEqual(done.from, { site: 0, otherSites: 0, origin: 0, webSeed: fetched })
      assert.equal(fetched, done.sizeBytes)
      const at = (folder: string): Promise<Record<string, string>> => digestsOf(folder)
      const wanted = Object.entries(await at(running.library)).filter(([path]) => path.startsWith(name))
      assert.deepEqual(
        Object.entries(await at(out)).filter(([path]) => path.startsWith(name)),
        wanted,
      )
    })

  it('by its .torrent is asked only where the portal is trusted', async () => {
    const file = join(running.dir, 'link.torrent')
    await link(FILE.bundle, '--torrent', file)
    const { out } = running.person('wary')
    const wary = running.start('wary', 'get', file, '--out', out, ...bind)
    await untilEvent(wary, 'stalled', AbortSignal.timeout(60_000))
    await wary[Symbol.asyncDispose]()
    assert.ok(!wary.lines.some((line) => line.includes('"done"')))
    const got = await running.run('wary', 'get', file, '--out', out, '--trust', running.portal, ...bind)
    assert.equal(got.code, 0, printed(got))
    assert.ok(got.events.some((event) => event.event === 'trusted'))
    const done = got.events.find((event) => event.event === 'done') as unknown as Done
    assert.equal(done.from.webSeed, FILE.sizeBytes)
  })

  it('stands back once somebody else has all of it', async () => {
    const magnet = await link(FILE.bundle)
    const { out } = running.person('first')
    const flags = ['--bind', '127.0.0.2', '--peer-port', '0', '--seed', 'forever']
    const first = running.start('first', 'get', magnet, '--out', out, ...flags)
    await untilEvent(first, 'seeding', AbortSignal.timeout(60_000))
    const second = await running.run('second', 'get', magnet, '--out', running.person('second').out, ...bind)
    assert.equal(second.code, 0, printed(second))
    const done = second.events.find((event) => event.event === 'done') as unknown as Done
    assert.equal(done.from.webSeed, 0)
    assert.equal(done.from.site, FILE.sizeBytes)
    await first[Symbol.asyncDispose]()
  })
})
