/**
 * How fast is publishing against mktorrent and create-torrent, on the same file, one after the other?
 *
 *     node bench/publish.ts [SIZE] [--rounds N]      (1GiB, 3 rounds; the best round of each counts)
 *
 * Prints one JSON line: seconds of each by the clock and of processor time, ratios (above 1: ours is faster),
 * peak memory of ours. Each runs as a process of its own, start included, with two threads where it can choose;
 * the file is in the page cache for all of them. All must agree on the infohash.
 */
import { spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pieceLengthFor } from '../src/core/piece-layout.ts'
import { parseSize } from '../src/core/quantity-text.ts'
import { MiB } from '../src/core/units.ts'
import { HashPool, hashRelease, planRelease } from '../src/seeder/index.ts'
import { encodeInfo, parseInfo } from '../src/wire/torrent.ts'

interface Run {
  readonly seconds: number
  /** Of all its threads, user and system. */
  readonly cpuSeconds: number
  readonly infohash: string
  readonly rssMiB?: number
}

const [first = '1GiB', ...others] = process.argv.slice(2)
if (first === '--ours') await hashOurs(others[0] ?? '')
else if (first === '--create-torrent') await hashByCreateTorrent(others[0] ?? '', Number(others[1]))
else await compare(parseSize(first), Number(others[1] ?? 3))

async function compare(sizeBytes: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  try {
    const file = join(folder, 'one.bin')
    fill(file, sizeBytes)
    const contestants: Record<string, () => Run | Promise<Run | undefined>> = {
      ours: () => runSelf(['--ours', file]),
      mktorrent: () => runMktorrent(file, join(folder, 'mk.torrent'), sizeBytes),
      createTorrent: () => runSelf(['--create-torrent', file, String(pieceLengthFor(sizeBytes))]),
    }
    const best: Record<string, Run> = {}
    for (let round = 0; round < rounds; round++)
      for (const [name, run] of Object.entries(contestants)) {
        const result = await run()
        if (result !== undefined && result.seconds < (best[name]?.seconds ?? Infinity)) best[name] = result
      }
    const hashes = new Set(Object.values(best).map(({ infohash }) => infohash))
    if (hashes.size !== 1) throw new Error(`they do not agree on the infohash: ${[...hashes].join(', ')}`)
    const { ours, mktorrent, createTorrent } = best
    const line = {
      bench: 'publish',
      sizeBytes,
      rounds,
      seconds: figures(best, (run) => run.seconds),
      cpuSeconds: figures(best, (run) => run.cpuSeconds),
      timesMktorrent: ratio(mktorrent?.seconds, ours?.seconds),
      timesMktorrentByCpu: ratio(mktorrent?.cpuSeconds, ours?.cpuSeconds),
      timesCreateTorrent: ratio(createTorrent?.seconds, ours?.seconds),
      peakRssMiB: ours?.rssMiB ?? null,
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

/** This file again, as a process of its own that prints what it made of the file. */
function runSelf(args: string[]): Run {
  const { stdout, ...run } = timed(process.execPath, [import.meta.filename, ...args])
  return { ...run, ...(JSON.parse(stdout) as { infohash: string; rssMiB: number }) }
}

/** Undefined where mktorrent is not installed. */
async function runMktorrent(file: string, output: string, sizeBytes: number): Promise<Run | undefined> {
  await rm(output, { force: true })
  const power = String(Math.log2(pieceLengthFor(sizeBytes)))
  const args = ['-p', '-t', '2', '-l', power, '-a', 'http://tracker.invalid/announce', '-o', output, file]
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

async function hashOurs(file: string): Promise<void> {
  await using pool = new HashPool()
  const { metainfo } = await hashRelease({ pool }, await planRelease(file))
  const { infoHash } = parseInfo(encodeInfo(metainfo))
  print(infoHash)
}

async function hashByCreateTorrent(file: string, pieceLength: number): Promise<void> {
  const { default: createTorrent } = await import('create-torrent')
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  createTorrent(
    file,
    { name: basename(file), pieceLength, private: true, announceList: [] },
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
