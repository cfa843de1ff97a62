/**
 * How long until `shoal up` is ready on many releases that it has published before, and what do they cost it then?
 *
 *     node bench/many-releases.ts [RELEASES=10000] [IDLE_SECONDS=20]
 *
 * A library of files of 1 KiB is published by a real `shoal up`, which is then stopped and started again. Prints
 * one JSON line: seconds and CPU-seconds of publishing all, of the second start until `ready`, and until the
 * portal's control feed names every release as served by the new process; memory, and CPU while idle.
 *
 * `filesRead` counts files that were opened and read since the second start, by their access times (which are
 * set far back before it; the scrub reads on purpose and is off for that start). It must be 0.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

const releases = Number(process.argv[2] ?? 10_000)
const idleSeconds = Number(process.argv[3] ?? 20)
const launcher = new URL('../shoal', import.meta.url).pathname
const TICKS_A_SECOND = 100
const FILE_BYTES = 1_024
/** Of whole seconds, which survive being set again: by its modification time a file is known as unchanged. */
const MADE_SECONDS = 1_700_000_000
const LONG_AGO_SECONDS = 946_684_800
const GIVE_UP_SECONDS = 3 * 3_600

/** A `shoal up` whose events are heard. */
class Up implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #startedAt = performance.now()
  readonly ready: Promise<string>
  readonly #ended: Promise<unknown>
  /** Releases that its log says it published. */
  published = 0

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    const library = ['--library', join(folder, 'library'), '--data', join(folder, 'data')]
    const args = ['up', ...library, '--listen', '127.0.0.1:0', '--peer-port', '0', '--json']
    this.#process = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnv(env) })
    const { stdout, stderr } = this.#process
    if (stdout === null || stderr === null) throw new TypeError('no pipe')
    this.#ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: stdout }).on('line', (line) => {
        const event = JSON.parse(line) as { event: string; portal?: string }
        if (event.event === 'ready') resolve(event.portal ?? '')
      })
      this.#process.once('exit', (code) => reject(new Error(`shoal up ended with ${String(code)}`)))
    })
    createInterface({ input: stderr }).on('line', (line) => {
      if (line.includes('"msg":"published"')) this.published++
      else if (!line.includes('"level":30') && !line.includes('"info"')) process.stderr.write(`${line}\n`)
    })
  }

  async cost(): Promise<{ seconds: number; cpuSeconds: number; rssMiB: number }> {
    const pid = this.#process.pid ?? 0
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return {
      seconds: rounded((performance.now() - this.#startedAt) / 1_000),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
      rssMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024),
    }
  }

  /** How long it took to stop, in seconds. */
  async stop(): Promise<number> {
    const askedAt = performance.now()
    this.#process.kill('SIGTERM')
    await this.#ended
    return rounded((performance.now() - askedAt) / 1_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

const folder = await mkdtemp(join(tmpdir(), 'shoal-many-'))
try {
  const library = join(folder, 'library')
  await mkdir(library)
  for (let n = 0; n < releases; n++) {
    await writeFile(join(library, nameOf(n)), contentOf(n))
    await utimes(join(library, nameOf(n)), MADE_SECONDS, MADE_SECONDS)
  }
  const line = {
    bench: 'many-releases',
    releases,
    load: loadavg().map((load) => rounded(load)),
    first: await publishAll(folder),
    again: await startAgain(folder, library),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function publishAll(dir: string): Promise<object> {
  await using up = new Up(dir, {})
  await up.ready
  const ready = await up.cost()
  while (up.published < releases) {
    await wait(1_000)
    const { seconds, cpuSeconds, rssMiB } = await up.cost()
    if (Math.round(seconds) % 30 === 0)
      process.stderr.write(
        `${up.published} published after ${seconds} s, ${cpuSeconds} CPU s, ${rssMiB} MiB\n`,
      )
    if (seconds > GIVE_UP_SECONDS) throw new Error(`only ${up.published} were published`)
  }
  const all = await up.cost()
  await wait(5_000)
  const before = await up.cost()
  await wait(1_000 * idleSeconds)
  const idleCpuSeconds = rounded((await up.cost()).cpuSeconds - before.cpuSeconds)
  const stopSeconds = await up.stop()
  return { readySeconds: ready.seconds, allPublished: all, idleSeconds, idleCpuSeconds, stopSeconds }
}

async function startAgain(dir: string, library: string): Promise<object> {
  for (const name of await readdir(library)) await utimes(join(library, name), LONG_AGO_SECONDS, MADE_SECONDS)
  await using up = new Up(dir, { SHOAL_SEEDER_SCRUB_BYTES_PER_SECOND: '0' })
  const portal = await up.ready
  const ready = await up.cost()
  const token = (await readFile(join(dir, 'data', 'origin.token'), 'utf8')).trim()
  while ((await servedAt(portal, token)) < releases) await wait(500)
  const allServed = await up.cost()
  await wait(5_000)
  const before = await up.cost()
  await wait(1_000 * idleSeconds)
  const after = await up.cost()
  const idleCpuSeconds = rounded(after.cpuSeconds - before.cpuSeconds)
  const published = up.published
  const filesRead = await countRead(library)
  const stopSeconds = await up.stop()
  return {
    ready,
    allServed,
    idleSeconds,
    idleCpuSeconds,
    rssMiB: after.rssMiB,
    published,
    filesRead,
    stopSeconds,
  }
}

async function countRead(library: string): Promise<number> {
  const names = await readdir(library)
  const stats = await Promise.all(names.map((name) => stat(join(library, name))))
  return stats.filter(({ atimeMs }) => atimeMs !== 1_000 * LONG_AGO_SECONDS).length
}

/** Releases that the portal tells trackers an origin serves; the answer's signature is of no interest here. */
async function servedAt(portal: string, token: string): Promise<number> {
  const answer = await fetch(`${portal}/api/v1/control?after=0`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const payload = Buffer.from((await answer.text()).split('.')[1] ?? '', 'base64url').toString()
  const { events } = JSON.parse(payload) as { events: { kind: string; infohashes?: string[] }[] }
  return events.reduce(
    (sum, event) => sum + (event.kind === 'serves' ? (event.infohashes?.length ?? 0) : 0),
    0,
  )
}

function nameOf(n: number): string {
  return `Course unit ${String(n).padStart(5, '0')}.bin`
}

/** Its own for each: two releases of the same bytes and name would be one. */
function contentOf(n: number): Buffer {
  return Buffer.alloc(FILE_BYTES, `unit ${n} `)
}

/** Nothing of the developer's own Shoal may leak in. */
function cleanEnv(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('SHOAL_'))
  return { ...Object.fromEntries(env), ...more }
}

function rounded(n: number): number {
  return Number(n.toFixed(2))
}
