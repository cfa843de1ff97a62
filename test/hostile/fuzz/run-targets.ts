/** Runs fuzz targets, one after the other, and says of each what it found. */
import { ShoalError } from '../../../src/core/errors.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { hostileInputs } from '../../support/corpus.ts'
import { mutator } from './mutate.ts'
import type { Reach, ReachMeter } from './reach.ts'
import type { Target } from './target.ts'
import { allTargets } from './targets/index.ts'

/** Larger inputs of the corpus are replayed as they are, elsewhere; here they would be all of the time. */
const CORPUS_BYTES_MAX = 4_096
/** An input that took longer is read again, and the CPU time of the thread taken: that is nobody else's. */
const SLOW_MS = 20

export interface TargetResult {
  readonly name: string
  readonly inputs: number
  /** Got past the outermost check. */
  readonly framed: number
  /** Were read to the end. */
  readonly read: number
  readonly reach: Reach | undefined
  readonly cpuMsMax: number
  readonly failures: readonly { readonly input: string; readonly error: string }[]
}

export interface RunOptions {
  readonly runs: number
  readonly seed: number
  /** Absent in long runs: counting is slow, and 20,000 inputs have shown what is reached. */
  readonly meter: ReachMeter | undefined
}

/** Most inputs are refused, and taking the stack of each refusal would be a third of the time. */
const STACK_FRAMES = Error.stackTraceLimit
Error.stackTraceLimit = 0

async function readOnce(target: Target, input: Uint8Array): Promise<boolean> {
  try {
    await target.read(input)
    return true
  } catch (error) {
    if (error instanceof ShoalError) return false
    throw error
  }
}

/** Once more, with the stack of what it threw. */
async function failureOf(target: Target, input: Uint8Array): Promise<string> {
  Error.stackTraceLimit = STACK_FRAMES
  try {
    await readOnce(target, input)
    return 'was thrown at the first reading alone'
  } catch (error) {
    return describe(error)
  } finally {
    Error.stackTraceLimit = 0
  }
}

async function runTarget(target: Target, { runs, seed, meter }: RunOptions): Promise<TargetResult> {
  const corpus = target.corpus === undefined ? [] : hostileInputs(target.corpus).map((input) => input.bytes)
  const small = corpus.filter((bytes) => bytes.length <= CORPUS_BYTES_MAX)
  const random = seededRandom(seed)
  const bytes = [...target.seeds, ...target.seeds, ...target.seeds, ...small]
  const inputs = mutator(target.dialect, { bytes, words: target.words ?? [], random })
  const failures: { input: string; error: string }[] = []
  let framed = 0
  let read = 0
  let cpuMsMax = 0
  const tryOne = async (input: Uint8Array): Promise<void> => {
    if (target.frame(input)) framed++
    const began = performance.now()
    try {
      if (await readOnce(target, input)) read++
    } catch (error) {
      if (failures.length < 5)
        failures.push({
          input: Buffer.from(input).toString('base64'),
          error: `${describe(error)}\n${await failureOf(target, input)}`,
        })
    }
    if (performance.now() - began > SLOW_MS) cpuMsMax = Math.max(cpuMsMax, await cpuMsOf(target, input))
  }
  for (const input of target.seeds) await tryOne(input)
  for (let i = target.seeds.length; i < runs; i++) await tryOne(inputs.next())
  const reach = await meter?.take(target.files, target.beside ?? [])
  return { name: target.name, inputs: runs, framed, read, reach, cpuMsMax, failures }
}

async function cpuMsOf(target: Target, input: Uint8Array): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 2; i++) {
    const before = process.threadCpuUsage()
    await readOnce(target, input).catch(() => false)
    const { user, system } = process.threadCpuUsage(before)
    times.push((user + system) / 1_000)
  }
  return Math.min(...times)
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** Yields the result of each target as it comes. `only`: a name, or a share such as `1/2`. */
export async function* runTargets(options: RunOptions, only?: string): AsyncGenerator<TargetResult> {
  const targets = await allTargets()
  await options.meter?.take([], []) // what making the seeds reached does not count
  const [, share = '1', shares = '1'] = /^(\d+)\/(\d+)$/.exec(only ?? '') ?? []
  const isChosen = (target: Target, i: number): boolean =>
    only === undefined ||
    target.name === only ||
    (only.includes('/') && i % Number(shares) === Number(share) - 1)
  for (const target of targets.filter(isChosen)) yield await runTarget(target, options)
}
