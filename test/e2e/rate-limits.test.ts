/** Limits and budgets with real processes: nothing comes sooner than its limit lets it, and what is next door is under none. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { untilEvent } from '../support/processes-shoal.ts'
import { type Child } from '../support/processes.ts'
import { digestOf } from '../support/tree.ts'
import { FILE, Running } from './running.ts'

const SITES = 'lyon 127.0.7.0/24 wan=3MB\noslo 127.0.8.0/24\n'

interface Done {
  readonly seconds: number
  readonly from: { readonly site: number; readonly otherSites: number; readonly origin: number }
}

describe('limits between real processes', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-limits-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const sites = join(dir, 'sites')
    await writeFile(sites, SITES)
    running = stack.use(await Running.start(AbortSignal.timeout(90_000), '--sites', sites))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  const fetch = (name: string, address: string, ...flags: string[]): Child =>
    running.start(name, 'get', FILE.bundle, '--out', running.person(name).out, '--bind', address, ...flags)

  async function doneOf(name: string, child: Child): Promise<Done> {
    const done = await untilEvent(child, 'done', AbortSignal.timeout(100_000))
    const path = join(running.person(name).out, FILE.name)
    assert.equal(await digestOf(path), await digestOf(join(running.library, FILE.name)))
    return done as unknown as Done
  }

  const leastSeconds = (bytesPerSecond: number): number => (0.95 * FILE.sizeBytes) / bytesPerSecond

  it('hold on loopback, which no site map lists, by the hour of the week', async () => {
    const { seconds } = await doneOf('one', fetch('one', '127.0.0.9', '--limit-down', '90MB, 0-24: 2MB'))
    assert.ok(seconds >= leastSeconds(2_000_000), `${seconds} s`)
  })

  it('are those of the site too, without a flag; and what a colleague has comes past all of them', async () => {
    const first = fetch('two', '127.0.7.1', '--seed', 'forever')
    const { seconds, from } = await doneOf('two', first)
    assert.ok(seconds >= leastSeconds(3_000_000), `${seconds} s`)
    assert.equal(from.origin, FILE.sizeBytes)
    // At 50 kB/s it would take three and a half minutes.
    const second = await doneOf('three', fetch('three', '127.0.7.2', '--limit-down', '50kB'))
    assert.ok(second.from.site > 0.7 * FILE.sizeBytes, JSON.stringify(second.from))
    first.kill('SIGTERM')
    await first.exited
  })

  it('hold for colleagues as well where a flag says so', async () => {
    const first = fetch('four', '127.0.8.1', '--seed', 'forever')
    await doneOf('four', first)
    const second = fetch('five', '127.0.8.2', '--limit-down', '2MB', '--limit-lan')
    const { seconds } = await doneOf('five', second)
    assert.ok(seconds >= leastSeconds(2_000_000), `${seconds} s`)
    first.kill('SIGTERM')
    await first.exited
  })
})
