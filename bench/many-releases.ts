/**
 * How long until `shoal up` is ready on many releases that it has published before, what do they cost it then, and how long
 * does a peer wait for the first byte of any of them?
 *
 *     node bench/many-releases.ts [--releases 10000] [--idle-seconds 20] [--sample 100] [--seed 1] [--keep FOLDER]
 *
 * A library of files of 1 KiB is published by a real `shoal up`, which is then stopped and started again. Prints
 * one JSON line: seconds and CPU-seconds of publishing all, of the second start until `ready`, and until the
 * portal's control feed names every release as served by the new process; memory, and CPU while idle. Then a sample of
 * releases, drawn from the seed, is asked for: `firstByte` is from a peer's handshake to the first byte of content.
 *
 * `filesRead` counts files that were opened and read since the second start, by their access times (which are
 * set far back before it; the scrub reads on purpose and is off for that start). It must be 0. With `--keep` what was
 * published is left in FOLDER, and a further run with as many releases begins with the second start.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom, shuffled } from '../src/core/random.ts'
import { firstBytes } from './support/first-bytes.ts'
import { rounded } from './support/http-load.ts'
import { WatchedUp } from './support/watched-up.ts'

const FILE_BYTES = 1_024
/** Of whole seconds, which survive being set again: by its modification time a file is known as unchanged. */
const MADE_SECONDS = 1_700_000_000
const LONG_AGO_SECONDS = 946_684_800
const GIVE_UP_SECONDS = 3 * 3_600
/** After what it does at the start. */
const SETTLE_MS = 5_000

const { values } = parseArgs({
  options: {
    releases: { type: 'string', default: '10000' },
    'idle-seconds': { type: 'string', default: '20' },
    sample: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'string' },
  },
})
const releases = Number(values.releases)
const idleSeconds = Number(values['idle-seconds'])
const random = seededRandom(Number(values.seed))

const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'shoal-many-')))
const library = join(folder, 'library')
/** Says how many releases are published in a folder that was kept. */
const mark = join(folder, 'published')
try {
  const isPublished = (await readFile(mark, 'utf8').catch(() => '')) === String(releases)
  const line = {
    bench: 'many-releases',
    releases,
    seed: Number(values.seed),
    load: loadavg().map((load) => rounded(load, 2)),
    ...(isPublished ? {} : { first: await publishAll() }),
    again: await startAgain(),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  if (values.keep === undefined) await rm(folder, { recursive: true, force: true })
}

async function publishAll(): Promise<object> {
  await mkdir(library, { recursive: true })
  for (let n = 0; n < releases; n++) {
    await writeFile(join(library, nameOf(n)), contentOf(n))
    await utimes(join(library, nameOf(n)), MADE_SECONDS, MADE_SECONDS)
  }
  await using up = new WatchedUp(folder)
  await up.ready
  const ready = up.cost()
  while (up.published < releases) {
    await wait(1_000)
    const { seconds, cpuSeconds, rssMiB } = up.cost()
    if (Math.round(seconds) % 30 === 0)
      process.stderr.write(
        `${up.published} published after ${seconds} s, ${cpuSeconds} CPU s, ${rssMiB} MiB\n`,
      )
    if (seconds > GIVE_UP_SECONDS) throw new Error(`only ${up.published} were published`)
  }
  const all = up.cost()
  const idleCpuSeconds = await cpuOfIdle(up)
  const stopSeconds = await up.stop()
  await writeFile(mark, String(releases))
  return { readySeconds: ready.seconds, allPublished: all, idleSeconds, idleCpuSeconds, stopSeconds }
}

async function startAgain(): Promise<object> {
  for (const name of await readdir(library)) await utimes(join(library, name), LONG_AGO_SECONDS, MADE_SECONDS)
  await using up = new WatchedUp(folder, { SHOAL_SEEDER_SCRUB_BYTES_PER_SECOND: '0' })
  const { portal, peerPort } = await up.ready
  const ready = up.cost()
  const token = (await readFile(join(folder, 'data', 'origin.token'), 'utf8')).trim()
  while ((await servedAt(portal, token)) < releases) await wait(500)
  const allServed = up.cost()
  const idleCpuSeconds = await cpuOfIdle(up)
  const { rssMiB } = up.cost()
  const published = up.published
  const filesRead = await countRead()
  const all = Array.from({ length: releases }, (_, n) => slugOf(n))
  const asked = shuffled(all, random).slice(0, Number(values.sample))
  const admin = (await readFile(join(folder, 'data', 'admin.token'), 'utf8')).trim()
  const firstByte = await firstBytes({ portal, peerPort, token: admin }, asked, random)
  const rssMiBAfter = up.cost().rssMiB
  const stopSeconds = await up.stop()
  return {
    ready,
    allServed,
    idleSeconds,
    idleCpuSeconds,
    idleCpuPercent: rounded((100 * idleCpuSeconds) / idleSeconds, 2),
    rssMiB,
    published,
    filesRead,
    firstByte,
    rssMiBAfter,
    stopSeconds,
  }
}

async function cpuOfIdle(up: WatchedUp): Promise<number> {
  await wait(SETTLE_MS)
  const before = up.cost()
  await wait(1_000 * idleSeconds)
  return rounded(up.cost().cpuSeconds - before.cpuSeconds, 2)
}

async function countRead(): Promise<number> {
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

/** Of the bundle that the library makes of {@link nameOf}. */
function slugOf(n: number): string {
  return `course-unit-${String(n).padStart(5, '0')}-bin`
}

/** Its own for each: two releases of the same bytes and name would be one. */
function contentOf(n: number): Buffer {
  return Buffer.alloc(FILE_BYTES, `unit ${n} `)
}
