/** The main job with our own programs, each a process of its own on an address of its own. */
import assert from 'node:assert/strict'
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventsOf, untilEvent } from '../support/processes-shoal.ts'
import { run, type Child } from '../support/processes.ts'
import { digestOf, digestsOf, seededBytes } from '../support/tree.ts'
import { FILE, FOLDER, printed, Running } from './running.ts'

/** Slow enough that two clients have something to give each other before the origin has given all. */
const ORIGIN_RATE = '3MB'

interface Done {
  readonly sizeBytes: number
  readonly from: { readonly site: number; readonly otherSites: number; readonly origin: number }
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[]
}

describe('shoal up, publish, link and get', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(90_000), '--limit-up', ORIGIN_RATE))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  it('two machines that fetch at once have given pieces to each other, and end with equal bytes', async () => {
    const names = ['one', 'two'] as const
    const started = names.map((name, i) => {
      const { out } = running.person(name)
      return running.start(
        name,
        'get',
        FILE.bundle,
        '--out',
        out,
        '--bind',
        `127.0.0.${i + 2}`,
        '--seed',
        'forever',
      )
    })
    for (const [i, child] of started.entries()) {
      const done = await doneOf(child)
      const { out } = running.person(names[i] ?? 'one')
      assert.equal(await digestOf(join(out, FILE.name)), await digestOf(join(running.library, FILE.name)))
      assert.equal(done.sizeBytes, FILE.sizeBytes)
      assert.ok(done.from.site + done.from.otherSites > 0, JSON.stringify(done.from))
    }
    for (const child of started) await endsWith(child, 'SIGTERM', 0)
  })

  it('a link on standard input is all that another machine needs', async () => {
    const { out } = running.person('three')
    const link = await running.run('admin', 'link', FOLDER.bundle)
    const magnet = String(link.events.find((e) => e.event === 'link')?.magnet)
    const stranger = { ...running.person('three'), env: {} }
    const got = await run({
      argv: [
        './shoal',
        'get',
        '-',
        '--out',
        out,
        '--data',
        stranger.dataDir,
        '--json',
        '--bind',
        '127.0.0.4',
      ],
      input: `${magnet}\n`,
    })
    assert.equal(got.code, 0, got.stderr)
    assert.deepEqual(
      await digestsOf(join(out, FOLDER.name)),
      await digestsOf(join(running.library, FOLDER.name)),
    )
  })

  it('--files fetches the chosen files and no others', async () => {
    const { out } = running.person('four')
    const got = await running.run('four', 'get', FOLDER.bundle, '--out', out, '--files', '*.txt')
    assert.equal(got.code, 0, printed(got))
    const whole = await digestsOf(join(running.library, FOLDER.name))
    const wanted = Object.entries(whole).filter(([path]) => path.endsWith('.txt'))
    assert.ok(wanted.length >= 3)
    assert.deepEqual(await digestsOf(join(out, FOLDER.name)), Object.fromEntries(wanted))
  })

  it('an interrupted get exits 5 and, run again, fetches only the rest', async () => {
    const { out } = running.person('five')
    const get = ['get', FILE.bundle, '--out', out]
    const first = running.start('five', ...get, '--limit-down', '2MB')
    await first.untilLine((line) => {
      const at = JSON.parse(line) as { event: string; bytes?: number }
      return (at.event === 'progress' && Number(at.bytes) > FILE.sizeBytes / 4) || undefined
    }, AbortSignal.timeout(60_000))
    await endsWith(first, 'SIGINT', 5)
    const second = running.start('five', ...get)
    const { from } = await doneOf(second)
    assert.equal(await digestOf(join(out, FILE.name)), await digestOf(join(running.library, FILE.name)))
    assert.ok(from.site + from.otherSites + from.origin < (FILE.sizeBytes * 7) / 8, JSON.stringify(from))
  })

  it('verify says which file is no longer as published, and get mends it', async () => {
    const { out } = running.person('six')
    const get = ['get', FOLDER.bundle, '--out', out]
    assert.equal((await running.run('six', ...get)).code, 0)
    const whole = await running.run('six', 'verify', out)
    assert.equal(whole.code, 0, printed(whole))
    const victim = join(out, FOLDER.name, 'lesson 1.mp4')
    const bytes = await readFile(victim)
    bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1
    await writeFile(victim, bytes)
    const broken = await running.run('six', 'verify', out)
    assert.equal(broken.code, 1, printed(broken))
    const bad = broken.events.filter((e) => e.event === 'verified' && e.verdict !== 'ok').map((e) => e.path)
    assert.deepEqual(bad, [`${FOLDER.name}/lesson 1.mp4`])
    const mended = await running.run('six', ...get, '--overwrite')
    assert.equal(mended.code, 0, printed(mended))
    assert.deepEqual(
      await digestsOf(join(out, FOLDER.name)),
      await digestsOf(join(running.library, FOLDER.name)),
    )
  })

  it('publish from another machine seeds until the origin has it, and then anybody can fetch it', async () => {
    const course = join(running.dir, 'laptop', 'Onboarding & welcome')
    await mkdir(course, { recursive: true })
    await writeFile(join(course, 'hello.bin'), seededBytes('hello', 3_000_001))
    await appendFile(join(course, 'one.txt'), '1')
    const shown = await running.run('publisher', 'publish', course, '--title', 'Onboarding', '--dry-run')
    assert.equal(shown.code, 0, printed(shown))
    assert.deepEqual(
      shown.events
        .filter((e) => e.event === 'would-ship')
        .map((e) => e.path)
        .sort(),
      ['hello.bin', 'one.txt'],
    )
    const listed = await running.run('admin', 'list')
    assert.ok(!listed.events.some((e) => e.title === 'Onboarding'), 'a dry run publishes nothing')

    const published = await running.run(
      'publisher',
      'publish',
      course,
      '--title',
      'Onboarding',
      '--bind',
      '127.0.0.7',
    )
    assert.equal(published.code, 0, printed(published))
    const told = published.events.find((e) => e.event === 'published')
    assert.equal(told?.bundle, 'onboarding')
    const { out } = running.person('seven')
    const got = await running.run('seven', 'get', 'onboarding', '--out', out)
    assert.equal(got.code, 0, printed(got))
    assert.deepEqual(await digestsOf(join(out, 'Onboarding & welcome')), await digestsOf(course))
  })

  it('SIGTERM ends up with exit 0 within its 10 s', async () => {
    await running.up[Symbol.asyncDispose]()
    // Had it taken longer it would have been killed, and the exit code be null.
    assert.deepEqual(await running.up.exited, { code: 0, signal: null })
  })
})

async function doneOf(child: Child): Promise<Done> {
  const done = await untilEvent(child, 'done', AbortSignal.timeout(100_000))
  return done as unknown as Done
}

async function endsWith(child: Child, signal: NodeJS.Signals, code: number): Promise<void> {
  child.kill(signal)
  const ended = await child.exited
  assert.deepEqual(ended, { code, signal: null }, JSON.stringify(eventsOf(child).at(-1)))
}
