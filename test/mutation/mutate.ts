/**
 * Mutation test: makes small mistakes in the policy and in the tracker's admission, and sees whether their tests
 * notice. Prints killed and total a file, and each survivor. Exit code 1 below {@link LEAST_PERCENT}.
 *
 *   scripts/mutate                      every mutant
 *   scripts/mutate policy grant-gate    of the files whose path holds one of these words
 *   scripts/mutate --sample 60          so many, by chance; --seed N repeats a choice
 *   scripts/mutate --jobs 4             processes at once; without it one a core
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/core/random.ts'
import { equivalents, isThat } from './equivalents.ts'
import { instrument, type Mutant } from './instrument.ts'
import { tryMutants, type Outcome, type Suspect } from './pool.ts'
import { targets, type Target } from './targets.ts'

const LEAST_PERCENT = 95
const root = resolve(import.meta.dirname, '../..')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string' }, seed: { type: 'string' }, jobs: { type: 'string' } },
})
const jobs = Number(values.jobs ?? availableParallelism())
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const chosen = targets.filter(
  ({ file }) => positionals.length === 0 || positionals.some((word) => file.includes(word)),
)

const suspects = chosen.map((target, i) => suspectOf(target, 1 + i * 10_000))
const all = suspects.flatMap((suspect) => suspect.instrumented.mutants)
if (all.length === 0) throw new Error('no file of the list holds such a word')
const isWhole = values.sample === undefined
const tried = new Set(isWhole ? all : sampleOf(all, Number(values.sample)))

const startedAt = performance.now()
const outcomes: Outcome[] = []
await tryMutants(
  suspects.map((suspect) => [suspect, suspect.instrumented.mutants.filter((mutant) => tried.has(mutant))]),
  jobs,
  (outcome) => outcomes.push(outcome),
)
const seconds = Math.round((performance.now() - startedAt) / 1_000)
process.exitCode = report() ? 0 : 1

function suspectOf({ file, specs }: Target, firstId: number): Suspect {
  const path = resolve(root, file)
  return {
    path,
    instrumented: instrument(file, readFileSync(path, 'utf8'), firstId),
    specs: specs.map((spec) => resolve(root, spec)),
  }
}

function sampleOf(mutants: readonly Mutant[], count: number): readonly Mutant[] {
  const random = seededRandom(seed)
  const byChance = mutants.map((mutant) => ({ mutant, at: random() })).toSorted((a, b) => a.at - b.at)
  return byChance.slice(0, count).map(({ mutant }) => mutant)
}

/** True when enough were killed, and the list of equivalents tells the truth. */
function report(): boolean {
  const isEquivalent = (mutant: Mutant): boolean => equivalents.some((known) => isThat(known, mutant))
  const counted = outcomes.filter(({ mutant }) => !isEquivalent(mutant))
  const survivors = counted.filter(({ kind }) => kind === 'survived')
  for (const { mutant } of survivors.toSorted((a, b) => a.mutant.id - b.mutant.id))
    console.log(lineOf(mutant))
  for (const { file } of chosen) {
    const own = counted.filter(({ mutant }) => mutant.file === file)
    if (own.length > 0) console.log(rowOf(file, own))
  }
  console.log(rowOf('all', counted))
  const silent = counted.filter(({ kind }) => kind === 'hung' || kind === 'crashed').length
  const left = outcomes.length - counted.length
  console.log(
    `${left} equivalents left out, ${silent} of the killed by a process that hung or crashed, ` +
      `${seconds} s in ${jobs} processes${isWhole ? '' : `, a sample of ${all.length} with --seed ${seed}`}`,
  )
  return areEquivalentsTrue() && percentOf(counted) >= LEAST_PERCENT
}

function areEquivalentsTrue(): boolean {
  const files = new Set(chosen.map(({ file }) => file))
  const lies = equivalents.filter((known) => {
    const met = all.filter((mutant) => isThat(known, mutant))
    const isKilled = outcomes.some(({ mutant, kind }) => kind !== 'survived' && isThat(known, mutant))
    return files.has(known.file) && (met.length === 0 || isKilled)
  })
  for (const { file, was, becomes } of lies)
    console.log(`listed as equivalent, but killed or gone: ${file}: ${was} -> ${becomes}`)
  return lies.length === 0
}

function percentOf(some: readonly Outcome[]): number {
  return (100 * some.filter(({ kind }) => kind !== 'survived').length) / some.length
}

function rowOf(name: string, some: readonly Outcome[]): string {
  const killed = some.filter(({ kind }) => kind !== 'survived').length
  return `${name.padEnd(32)} ${killed}/${some.length} killed, ${percentOf(some).toFixed(1)} %`
}

function lineOf({ file, line, kind, was, becomes }: Mutant): string {
  return `survived: ${file}:${line} ${kind}: ${was} -> ${becomes === '' ? '(nothing)' : becomes}`
}
