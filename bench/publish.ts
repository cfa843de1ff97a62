/**
 * How fast is publishing against mktorrent and create-torrent, on the same content, one after the other?
 *
 *     node bench/publish.ts [SIZE] [--files N] [--rounds N]      (1GiB in one file, 3 rounds)
 *
 * Prints one JSON line: seconds of each by the clock and of processor time in its best round, ratios (above 1: ours
 * is faster), peak memory of ours. Each runs as a process of its own, start included, with as many threads as there
 * are cores where it can choose; ours keeps the journal that lets it go on after a kill, as publishing does. The
 * content is in the page cache for all of them. All must agree on the infohash.
 *
 * With `--files` SIZE is that of all N files together, in folders of 100 each.
 */
import { spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { pieceLengthFor } from '../src/core/piece-layout.ts'
import { parseSize } from '../src/core/quantity-text.ts'
import { MiB } from '../src/core/units.ts'
import { HashPool, hashRelease, planRelease } from '../src/seeder/index.ts'
import { encodeInfo, hashOf } from '../src/wire/torrent.ts'

interface Run {
  readonly seconds: number
  /** Of all its threads, user and system. */
  readonly cpuSeconds: number
  readonly infohash: string
  readonly rssMiB?: number
}

const FILES_PER_FOLDER = 100

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    /** This file as one of the contestants, on the path that is named. */
    as: { type: 'string' },
    pieceLength: { type: 'string', default: '0' },
  },
})
const [first = '1GiB'] = positionals
if (values.as === 'ours') await hashOurs(first)
else if (values.as === 'create-torrent') await hashByCreateTorrent(first, Number(values.pieceLength))
else await compare(parseSize(first), Number(values.files), Number(values.rounds))

async function compare(sizeBytes: number, files: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  try {
    const content = join(folder, files === 0 ? 'one.bin' : 'many')
    if (files === 0) fill(content, sizeBytes)
    else fillMany(content, files, Math.floor(sizeBytes / files))
    const hashedBytes = files === 0 ? sizeBytes : files * Math.floor(sizeBytes / files)
    const pieceLength = pieceLengthFor(hashedBytes)
    const contestants: Record<string, () => Run | Promise<Run | undefined>> = {
      ours: () => runSelf(['--as', 'ours', content]),
      mktorrent: () => runMktorrent(content, join(folder, 'mk.torrent'), pieceLength),
      createTorrent: () => runSelf(['--as', 'create-torrent', content, `--pieceLength=${pieceLength}`]),
    }
    const best: Record<string, Run> = {}
    let peakRssMiB = 0
    for (let round = 0; round < rounds; round++)
      for (const [name, run] of Object.entries(contestants)) {
        const result = await run()
        if (result !== undefined && result.seconds < (best[name]?.seconds ?? Infinity)) best[name] = result
        if (name === 'ours') peakRssMiB = Math.max(peakRssMiB, result?.rssMiB ?? 0)
      }
    const hashes = new Set(Object.values(best).map(({ infohash }) => infohash))
    if (hashes.size !== 1) throw new Error(`they do not agree on the infohash: ${[...hashes].join(', ')}`)
    const { ours, mktorrent, createTorrent } = best
    const line = {
      bench: 'publish',
      sizeBytes: hashedBytes,
      files: Math.max(1, files),
      rounds,
      threads: availableParallelism(),
      load: loadavg().map((load) => Number(load.toFixed(2))),
      seconds: figures(best, (run) => run.seconds),
      cpuSeconds: figures(best, (run) => run.cpuSeconds),
      timesMktorrent: ratio(mktorrent?.seconds, ours?.seconds),
      timesMktorrentByCpu: ratio(mktorrent?.cpuSeconds, ours?.cpuSeconds),
      timesCreateTorrent: ratio(createTorrent?.seconds, ours?.seconds),
      peakRssMiB,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function fill(file: string, sizeBytes: number): void {
  const chunk = Buffer.alloc(4 * MiB)
  const fd = openSync(file, 'w')
  for (let left = sizeBytes; left > 0; left -= chunk.length)
    writeSync(fd, randomFillSync(chunk), 0, Math.min(left, chunk.length))
  closeSync(fd)
}

function fillMany(folder: string, files: number, sizeBytes: number): void {
  const bytes = Buffer.alloc(sizeBytes)
  for (let n = 0; n < files; n++) {
    const into = join(folder, `unit-${String(Math.floor(n / FILES_PER_FOLDER)).padStart(4, '0')}`)
    if (n % FILES_PER_FOLDER === 0) mkdirSync(into, { recursive: true })
    writeFileSync(
      join(into, `page-${String(n % FILES_PER_FOLDER).padStart(3, '0')}.html`),
      randomFillSync(bytes),
    )
  }
}

/** This file again, as a process of its own that prints what it made of the file. */
function runSelf(args: string[]): Run {
  const { stdout, ...run } = timed(process.execPath, [import.meta.filename, ...args])
  return { ...run, ...(JSON.parse(stdout) as { infohash: string; rssMiB: number }) }
}

/** Undefined where mktorrent is not installed. */
async function runMktorrent(content: string, output: string, pieceLength: number): Promise<Run | undefined> {
  await rm(output, { force: true })
  const threads = String(availableParallelism())
  const power = String(Math.log2(pieceLength))
  const args = [
    '-p',
    '-t',
    threads,
    '-l',
    power,
    '-a',
    'http://tracker.invalid/announce',
    '-o',
    output,
    content,
  ]
  const { seconds, cpuSeconds } = timed('mktorrent', args)
  if (!existsSync(output)) return undefined
  return { seconds, cpuSeconds, infohash: infohashOf(await readFile(output)) }
}

/** Runs it by a shell, whose `times` tells the processor time of its children. */
function timed(command: string, args: string[]): { seconds: number; cpuSeconds: number; stdout: string } {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'shoal-bench-compile-cache') } // as the launcher does
  const start = performance.now()
  const { stdout } = spawnSync('sh', ['-c', '"$@"; echo; times', 'sh', command, ...args], {
    env,
    encoding: 'utf8',
  })
  const seconds = Number(((performance.now() - start) / 1_000).toFixed(3))
  const lines = stdout.trimEnd().split('\n')
  const children = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  const cpuSeconds = children.reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0)
  return { seconds, cpuSeconds: Number(cpuSeconds.toFixed(3)), stdout: lines.slice(0, -2).join('\n') }
}

function figures(runs: Readonly<Record<string, Run>>, of: (run: Run) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, of(run)]))
}

function ratio(theirs: number | undefined, ours: number | undefined): number | null {
  return theirs === undefined || ours === undefined ? null : Number((theirs / ours).toFixed(2))
}

async function hashOurs(path: string): Promise<void> {
  await using pool = new HashPool()
  pool.warm()
  const journalFolder = `${path}.journal`
  const { metainfo, forgetJournal } = await hashRelease(
    { pool, journalFolder },
    await planRelease(path, pool),
  )
  const infoHash = hashOf(encodeInfo(metainfo))
  await forgetJournal()
  print(infoHash)
}

async function hashByCreateTorrent(path: string, pieceLength: number): Promise<void> {
  const { default: createTorrent } = await import('create-torrent')
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  createTorrent(
    path,
    { name: basename(path), pieceLength, private: true, announceList: [] },
    (error, torrent) => {
      if (error !== null) reject(error)
      else resolve(torrent)
    },
  )
  print(infohashOf(await promise))
}

function print(infohash: string): void {
  const rssMiB = Math.round(process.resourceUsage().maxRSS / 1_024)
  process.stdout.write(JSON.stringify({ infohash, rssMiB }))
}

/** Of a .torrent whose info value ends it, as both write them. */
function infohashOf(torrent: Uint8Array): string {
  const bytes = Buffer.from(torrent)
  return createHash('sha1')
    .update(bytes.subarray(bytes.indexOf('4:info') + 6, bytes.length - 1))
    .digest('hex')
}
