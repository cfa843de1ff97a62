/**
 * Tries mutants in a few processes at once. A process serves a batch of them, and at its end must pass the
 * tests with no mutant on: what a mutant left behind may not be what killed the next one.
 */
import type { Instrumented, Mutant } from './instrument.ts'
import { MutantProcess, type Run, type Silence } from './child-process.ts'

/** A file, what was made of it, and the tests that should notice; paths are absolute. */
export interface Suspect {
  readonly path: string
  readonly instrumented: Instrumented
  readonly specs: readonly string[]
}

export interface Outcome {
  readonly mutant: Mutant
  /** `hung`: it was ended after a minute. */
  readonly kind: 'killed' | 'survived' | Silence
  /** The first test that failed. */
  readonly by?: string
}

const BATCH = 40

type Batch = readonly [Suspect, readonly Mutant[]]

/** In no promised order. @throws when the tests of a file fail with no mutant on: they could show nothing. */
export async function tryMutants(
  work: readonly Batch[],
  jobs: number,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const batches = work.flatMap(([suspect, mutants]) => batchesOf(suspect, mutants))
  const serve = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift())
      for (const outcome of await tryBatch(...batch)) onOutcome(outcome)
  }
  await Promise.all(Array.from({ length: jobs }, serve))
}

/** A static mutant has a process of its own, since it must be on before the file is loaded. */
function batchesOf(suspect: Suspect, mutants: readonly Mutant[]): Batch[] {
  const { alone = [], together = [] } = Object.groupBy(mutants, (mutant) =>
    mutant.isStatic ? 'alone' : 'together',
  )
  const batches = alone.map((mutant): Batch => [suspect, [mutant]])
  for (let at = 0; at < together.length; at += BATCH) batches.push([suspect, together.slice(at, at + BATCH)])
  return batches
}

async function tryBatch(suspect: Suspect, mutants: readonly Mutant[]): Promise<Outcome[]> {
  const [first, ...others] = mutants
  if (first?.isStatic === true && others.length === 0) return [await tryAlone(suspect, first)]
  const silent: Outcome[] = []
  let rest = mutants
  for (;;) {
    const round = await tryRound(suspect, rest)
    if (round === 'unwell') return [...silent, ...(await oneByOne(suspect, rest))]
    if (!('silent' in round)) return [...silent, ...round]
    silent.push(await tryAlone(suspect, round.silent))
    rest = rest.filter((mutant) => mutant !== round.silent)
  }
}

/** All outcomes, or the mutant that ended the round, or that the process was not well after it. */
async function tryRound(
  suspect: Suspect,
  mutants: readonly Mutant[],
): Promise<Outcome[] | { readonly silent: Mutant } | 'unwell'> {
  using process = await loaded(suspect, 0)
  mustPass(suspect, process, await process.run(0))
  const outcomes: Outcome[] = []
  for (const mutant of mutants) {
    const run = await process.run(mutant.id)
    if (typeof run === 'string') return { silent: mutant }
    outcomes.push(outcomeOf(mutant, run))
  }
  const after = await process.run(0)
  return typeof after === 'string' || after.failure !== undefined ? 'unwell' : outcomes
}

async function oneByOne(suspect: Suspect, mutants: readonly Mutant[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const mutant of mutants) outcomes.push(await tryAlone(suspect, mutant))
  return outcomes
}

/** In a fresh process, on from the start. */
async function tryAlone(suspect: Suspect, mutant: Mutant): Promise<Outcome> {
  using process = new MutantProcess()
  if (!(await process.load(loadOf(suspect, mutant.id)))) return { mutant, kind: 'crashed' }
  return outcomeOf(mutant, await process.run(mutant.id))
}

async function loaded(suspect: Suspect, mutantOn: number): Promise<MutantProcess> {
  const process = new MutantProcess()
  if (await process.load(loadOf(suspect, mutantOn))) return process
  process[Symbol.dispose]()
  throw new Error(`the tests of ${suspect.path} cannot be loaded\n${process.stderr}`)
}

function loadOf({ path, instrumented, specs }: Suspect, mutantOn: number) {
  return { sources: { [path]: instrumented.source }, specs, mutantOn }
}

function mustPass(suspect: Suspect, process: MutantProcess, run: Run | Silence): void {
  if (typeof run !== 'string' && run.failure === undefined && run.passed > 0) return
  const why = typeof run === 'string' ? run : (run.failure ?? 'there are none')
  throw new Error(`the tests of ${suspect.path} fail with no mutant on: ${why}\n${process.stderr}`)
}

function outcomeOf(mutant: Mutant, run: Run | Silence): Outcome {
  if (typeof run === 'string') return { mutant, kind: run }
  return run.failure === undefined
    ? { mutant, kind: 'survived' }
    : { mutant, kind: 'killed', by: run.failure }
}
