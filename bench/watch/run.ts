/** One run: the stage first, then starts on a quiet network, then everybody comes and watches, then everybody jumps. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startOn } from '../../test/support/namespaces.ts'
import { type Child } from '../../test/support/processes.ts'
import { watchMachine, type Busyness } from '../lab/machine.ts'
import { cpuSecondsOf } from '../support/usage.ts'
import { filmOf, headBytesOf } from './film.ts'
import type { LiarSays } from './liar.ts'
import { Meters, countedSince, type Counted } from './meters.ts'
import type { WatchOptions } from './options.ts'
import { Show, type ViewerResult } from './show.ts'
import { layOut, startShoalStage, type Grounds, type Stage } from './stage.ts'
import { measureStarts, type Start } from './starts.ts'
import { ViewerBrowser } from './viewer-browser.ts'
import { Viewer } from './viewer.ts'

const WORK = resolve(import.meta.dirname, '../../.cache/bench')
/** Network, film, server, browsers; and the starts. */
const SETUP_MS = 600_000
const PACE_MS = 10_000
const PER_START_MS = 40_000
const PER_SEEK_MS = 40_000

export interface WatchResult {
  readonly filmBytes: number
  /** Of them, what stands before the first picture. */
  readonly headBytes: number
  readonly starts: readonly Start[]
  readonly viewers: readonly ViewerResult[]
  /** Of the play alone: neither starts nor jumps. */
  readonly counted: Counted
  /** The same each {@link PACE_MS} until then, each since the start. */
  readonly pace: readonly Counted[]
  readonly serverCpuSeconds: number
  readonly liar: LiarSays | undefined
  readonly machine: Busyness
}

export interface RunParts {
  readonly note: (text: string) => void
  /** Another server than ours, to try the harness itself. */
  readonly startStage?: typeof startShoalStage
}

/** Everything it made is gone when it returns, throws or is aborted. */
export async function runWatch(
  options: WatchOptions,
  { note, startStage = startShoalStage }: RunParts,
  interrupted: AbortSignal,
): Promise<WatchResult> {
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(mostMsOf(options))])
  const film = await filmOf(options.film, note, signal)
  await using stack = new AsyncDisposableStack()
  const dir = await freshFolder()
  const { keepIn } = options
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  if (keepIn !== undefined) stack.defer(() => keepLogs(dir, keepIn))
  const grounds = stack.use(await layOut(options))
  const meters = await Meters.install(grounds.network, grounds.browsers)
  note('starting the server')
  const stage = stack.use(await startStage(grounds, { film, dir, hasGateway: options.hasGateway }, signal))
  const viewers = await arriveAll(options, { grounds, stage, dir }, stack, note, signal)
  const [first] = viewers
  if (first === undefined) throw new RangeError('nobody watches')
  const starts = await measureStarts(first, { rounds: options.starts, note, seed: options.seed }, signal)
  const liar = grounds.liar === undefined ? undefined : stack.use(startLiar(grounds.liar, stage, dir))
  const before = {
    counted: await meters.count(),
    cpu: cpuSecondsOf(stage.serverPid),
    machine: watchMachine(),
  }
  const show = new Show(options, { viewers, film, note }, signal)
  const over = new AbortController()
  const pacing = paceOf(meters, before.counted, AbortSignal.any([over.signal, signal]))
  await show.play().finally(() => over.abort())
  const pace = await pacing
  const counted = countedSince(before.counted, await meters.count())
  const machine = before.machine()
  const serverCpuSeconds = cpuSecondsOf(stage.serverPid) - before.cpu
  await show.compareBytes()
  await show.jump()
  const said = liar?.lines.at(-1)
  if (keepIn !== undefined) await show.keepPictures(keepIn)
  return {
    filmBytes: (await stat(film)).size,
    headBytes: await headBytesOf(film),
    starts,
    viewers: show.results,
    counted,
    pace,
    serverCpuSeconds,
    liar: said === undefined ? undefined : (JSON.parse(said) as LiarSays),
    machine,
  }
}

async function paceOf(meters: Meters, start: Counted, signal: AbortSignal): Promise<readonly Counted[]> {
  const pace: Counted[] = []
  while (await wait(PACE_MS, true, { signal }).catch(() => false))
    pace.push(countedSince(start, await meters.count()))
  return pace
}

async function keepLogs(dir: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(dir))
    if (name.endsWith('.log')) await copyFile(join(dir, name), join(folder, name))
}

/** Beside the film, so that it can be there by another name; first removes what killed runs have left. */
async function freshFolder(): Promise<string> {
  await mkdir(WORK, { recursive: true })
  for (const name of await readdir(WORK)) {
    const owner = /^run-(\d+)-/.exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      await rm(join(WORK, name), { recursive: true, force: true })
  }
  return await mkdtemp(join(WORK, `run-${process.pid}-`))
}

/** One after the other: several browsers that start at once are in each other's way. */
async function arriveAll(
  options: WatchOptions,
  parts: { readonly grounds: Grounds; readonly stage: Stage; readonly dir: string },
  stack: AsyncDisposableStack,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<readonly Viewer[]> {
  const { grounds, stage, dir } = parts
  const { hasRealAddresses } = options
  const { keyHash } = stage
  note(`starting ${grounds.browsers.length} browsers`)
  const browsers: ViewerBrowser[] = []
  for (const host of grounds.browsers) {
    signal.throwIfAborted()
    browsers.push(stack.use(await ViewerBrowser.start({ host, dir, keyHash, hasRealAddresses })))
  }
  const viewers: Viewer[] = []
  while (viewers.length < options.viewers)
    for (const browser of browsers.slice(0, options.viewers - viewers.length)) {
      signal.throwIfAborted()
      const name = `viewer${viewers.length + 1}`
      viewers.push(stack.use(await Viewer.arrive({ name, browser, stage })))
    }
  return viewers
}

function startLiar(host: Parameters<typeof startOn>[0], stage: Stage, dir: string): Child {
  const program = new URL('liar.ts', import.meta.url).pathname
  const argv = [process.execPath, program, stage.torrentFile]
  return startOn(host, {
    argv,
    env: { NODE_EXTRA_CA_CERTS: stage.certificate },
    logFile: join(dir, 'liar.log'),
  })
}

function mostMsOf({ viewers, gapSeconds, seconds, starts, seeks }: WatchOptions): number {
  const playMs = (gapSeconds * viewers + seconds) * 1_000
  return SETUP_MS + playMs + 2 * starts * PER_START_MS + seeks * viewers * PER_SEEK_MS
}
