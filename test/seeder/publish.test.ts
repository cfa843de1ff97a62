import assert from 'node:assert/strict'
import { appendFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { releaseName, slug } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { publish, startSeeder, type Published, type PublishOptions } from '../../src/seeder/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTree } from '../support/tree.ts'
import { MemoryEngine } from './support/memory-engine.ts'
import { MemoryPortal } from './support/memory-portal.ts'
import { scratchFolder } from './support/scratch.ts'
import { until, untilDone } from './support/until.ts'

const OPTIONS = {
  title: 'Fire safety 2026',
  audience: ['everyone'],
  tags: ['safety'],
  admit: 'any',
  rights: 'made by us',
  isLocalOrigin: false,
} satisfies Omit<PublishOptions, 'path'>

class Rig {
  readonly clock = new ManualClock()
  readonly portal = new MemoryPortal()
  readonly engine = new MemoryEngine()
  stop = new AbortController()

  run(folder: string, options: Partial<PublishOptions> = {}): Promise<Published> {
    const { clock, portal: client, engine } = this
    return publish(
      {
        clock,
        log: silentLogger,
        dataDir: join(folder, 'data'),
        client,
        engine: () => Promise.resolve(engine),
      },
      { ...OPTIONS, path: join(folder, 'content'), ...options },
      this.stop.signal,
    )
  }

  /** Lets an origin elsewhere have all of every release that is seeded here. */
  async replicate(): Promise<void> {
    await until(this.clock, () => this.engine.seeded().length > 0)
    const complete = this.engine.seeded()
    await this.portal.reportPresence({ peerId: this.engine.peerId, kind: 'origin', port: 1_024, complete })
  }
}

describe('publish', () => {
  it('from another machine seeds until an origin has all of it', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'far', { 'content/a': 70_000 })
    const rig = new Rig()
    const publishing = rig.run(scratch.path)
    await rig.replicate()
    const published = await untilDone(rig.clock, publishing)
    assert.equal(published.bundle, 'fire-safety-2026')
    assert.equal(published.release, '1')
    assert.equal(published.sizeBytes, 70_000)
    assert.equal(published.seededFrom, 'here')
    assert.equal(published.portal, rig.portal.origin)
    assert.equal(rig.engine.isDisposed, true)
    assert.equal(rig.engine.torrents.size, 0)
    assert.deepEqual(rig.portal.bundles.get(published.bundle)?.tags, ['safety'])
  })

  it('into the data folder of a running origin is picked up there', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'near', { 'content/a': 70_000 })
    const rig = new Rig()
    const origin = new MemoryEngine()
    const parts = {
      clock: rig.clock,
      random: seededRandom(1),
      log: silentLogger,
      client: rig.portal,
      engine: origin,
    }
    await using _seeder = await startSeeder(
      { ...parts, dataDir: join(scratch.path, 'data'), control: new ControlState() },
      { audience: ['everyone'], rightsStatement: '', presenceKind: 'origin' },
    )
    const published = await untilDone(rig.clock, rig.run(scratch.path, { isLocalOrigin: true }))
    assert.equal(published.seededFrom, 'origin')
    assert.deepEqual(origin.seeded(), [published.infohash])
    assert.deepEqual(rig.engine.seeded(), [])
  })

  it('for our own clients only stays so at the origin: after a restart, and when its file was touched', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'ours', { 'content/a': 70_000 })
    const rig = new Rig()
    const dataDir = join(scratch.path, 'data')
    const startOrigin = async (): Promise<{ engine: MemoryEngine } & AsyncDisposable> => {
      const engine = new MemoryEngine()
      const { clock, portal: client } = rig
      const parts = { clock, client, engine, dataDir, random: seededRandom(1), log: silentLogger }
      const control = new ControlState()
      const options = { audience: ['everyone'], rightsStatement: '', presenceKind: 'origin' } as const
      const seeder = await startSeeder({ ...parts, control }, options)
      return { engine, [Symbol.asyncDispose]: () => seeder[Symbol.asyncDispose]() }
    }
    const wish = { isLocalOrigin: true, admit: 'ours' } as const
    const admits = ({ engine }: { engine: MemoryEngine }): unknown[] =>
      [...engine.torrents.values()].map(({ admit }) => admit)
    {
      await using origin = await startOrigin()
      await untilDone(rig.clock, rig.run(scratch.path, wish))
      assert.deepEqual(admits(origin), ['ours'])
    }
    {
      await using origin = await startOrigin()
      assert.deepEqual(admits(origin), ['ours'])
    }
    const file = join(scratch.path, 'content', 'a')
    await utimes(file, new Date(), new Date(Date.now() + 5_000))
    await using origin = await startOrigin()
    assert.deepEqual(admits(origin), [])
    await untilDone(rig.clock, rig.run(scratch.path, wish))
    await until(rig.clock, () => origin.engine.torrents.size > 0)
    assert.deepEqual(admits(origin), ['ours'])
  })

  it('refuses to say afterwards that another set of clients may have what is published', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'twice', { 'content/a': 70_000 })
    const rig = new Rig()
    const publishing = rig.run(scratch.path)
    await rig.replicate()
    await untilDone(rig.clock, publishing)
    const again = rig.run(scratch.path, { admit: 'ours' })
    await assert.rejects(untilDone(rig.clock, again), (error) => isCode(error, 'conflict'))
  })

  it('run again after it was interrupted goes on and hashes nothing', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'again', { 'content/a': 70_000 })
    const rig = new Rig()
    const first = rig.run(scratch.path)
    await until(rig.clock, () => rig.engine.seeded().length > 0)
    rig.stop.abort()
    await assert.rejects(untilDone(rig.clock, first), (error) => isCode(error, 'interrupted'))
    assert.equal(rig.engine.torrents.size, 0)

    rig.stop = new AbortController()
    const second = rig.run(scratch.path)
    await rig.replicate()
    const published = await untilDone(rig.clock, second)
    assert.equal(published.hashedBytes, 0)
    assert.deepEqual(rig.portal.listing(), ['fire-safety-2026@1 live'])

    const third = await untilDone(rig.clock, rig.run(scratch.path))
    assert.equal(third.infohash, published.infohash)
    assert.deepEqual(rig.portal.listing(), ['fire-safety-2026@1 live'])
  })

  it('run again after the answer of the portal was lost makes no second release', async () => {
    for (const lost of [1, 2]) {
      await using scratch = await scratchFolder()
      await makeTree(scratch.path, 'lost', { 'content/a': 70_000 })
      const rig = new Rig()
      rig.portal.lostAnswers = lost
      for (let attempt = 0; attempt < 3; attempt++) {
        const publishing = rig.run(scratch.path)
        publishing.catch(() => undefined)
        if (rig.portal.lostAnswers > 0) await assert.rejects(publishing)
        else {
          await rig.replicate()
          await untilDone(rig.clock, publishing)
          break
        }
      }
      assert.deepEqual(rig.portal.listing(), ['fire-safety-2026@1 live'])
    }
  })

  it('adds a release to the bundle that is named', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'add', { 'content/a': 70_000 })
    const rig = new Rig()
    const bundle = slug('safety')
    for (const release of ['1', 'spring']) {
      const name = release === '1' ? {} : { release: releaseName(release) }
      const publishing = rig.run(scratch.path, { bundle, ...name })
      await rig.replicate()
      assert.equal((await untilDone(rig.clock, publishing)).release, release)
      await appendFile(join(scratch.path, 'content/a'), 'more')
    }
    assert.deepEqual(rig.portal.listing(), ['safety@spring live', 'safety@1 live'])
  })

  it('makes a bundle of its own when the title is taken', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'own', { 'content/a': 70_000 })
    const rig = new Rig()
    const first = rig.run(scratch.path)
    await rig.replicate()
    await untilDone(rig.clock, first)
    await appendFile(join(scratch.path, 'content/a'), 'more')
    const second = rig.run(scratch.path)
    await rig.replicate()
    assert.equal((await untilDone(rig.clock, second)).bundle, 'fire-safety-2026-2')
  })

  it('refuses the same files for another bundle', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'same', { 'content/a': 70_000 })
    const rig = new Rig()
    const first = rig.run(scratch.path)
    await rig.replicate()
    await untilDone(rig.clock, first)
    await assert.rejects(rig.run(scratch.path, { bundle: slug('other') }), (error) => {
      assert.ok(isCode(error, 'conflict'))
      assert.match(String(error), /fire-safety-2026@1/)
      return true
    })
  })

  it('waits through an outage of the portal, and says why a copy is missing', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'outage', { 'content/a': 70_000 })
    const rig = new Rig()
    const notes: (string | undefined)[] = []
    const publishing = rig.run(scratch.path, {
      onProgress: (progress) => {
        if (progress.stage === 'replicating') notes.push(progress.note)
      },
    })
    await until(rig.clock, () => notes.length > 0)
    const [infohash] = rig.engine.seeded()
    assert.ok(infohash !== undefined)
    const missing = [{ infohash, reason: 'no room' }]
    await rig.portal.reportPresence({
      peerId: rig.engine.peerId,
      kind: 'origin',
      port: 1_024,
      complete: [],
      missing,
    })
    await until(rig.clock, () => notes.includes('no room'))
    rig.portal.failure = new ShoalError('unavailable', 'the portal does not answer')
    const before = rig.clock.now()
    await until(rig.clock, () => rig.clock.now() > before + 5_000)
    rig.portal.failure = undefined
    await rig.replicate()
    assert.equal((await untilDone(rig.clock, publishing)).release, '1')
  })

  it('leaves nothing at the portal when the path is refused', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'bad', { 'content/empty': 0 })
    const rig = new Rig()
    await assert.rejects(rig.run(scratch.path), /it is empty/)
    assert.deepEqual([...rig.portal.bundles.keys()], [])
  })
})

function isCode(error: unknown, code: string): boolean {
  return error instanceof ShoalError && error.code === code
}
