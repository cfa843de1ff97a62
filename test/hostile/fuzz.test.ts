/**
 * Every parser of foreign bytes against valid inputs that were changed: it reads them, or throws a ShoalError. A
 * thousand each are counted by branch, which is slow; a hundred thousand more are only read. The long run tries ten times
 * as many, or `FUZZ_INPUTS`, from another seed each time (`FUZZ_SEED` repeats one).
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { isLongRun, recordFigures } from '../support/figures.ts'
import { Child } from '../support/processes.ts'
import type { TargetResult } from './fuzz/run-targets.ts'

const COUNTED_RUNS = 1_000
/** Promise 1. */
const RUNS = Number(process.env['FUZZ_INPUTS'] ?? (isLongRun ? 1_000_000 : 100_000))
const SHARES = 2
const SEED = process.env['FUZZ_SEED'] ?? (isLongRun ? String(Date.now() % 1_000_000) : '1')
const FRAMED_MIN = 0.3
/** Of the branches of all parsers together: what is left are mostly bounds of length, which tests of their own hold. */
const REACH_MIN = 0.95
/** Branches that each may leave out: this many, or this part of them. */
const MISSED_MAX = 2
const MISSED_PART_MAX = 0.1
/** Promise 1: no input holds the event loop for longer. */
const CPU_MS_MAX = 200

const MAIN = fileURLToPath(new URL('fuzz/main.ts', import.meta.url))

async function runTargets(runs: number, ...only: string[]): Promise<readonly TargetResult[]> {
  await using child = new Child({
    argv: [process.execPath, MAIN, String(runs), SEED, ...only],
    env: { NODE_V8_COVERAGE: undefined, NODE_DISABLE_COMPILE_CACHE: '1' },
  })
  const { code } = await child.exited
  assert.equal(code, 0, child.transcript())
  return child.lines.map((line) => JSON.parse(line) as TargetResult)
}

const percent = (part: number, whole: number): number => Math.round((1_000 * part) / whole) / 10

describe('Parsers of foreign bytes', function () {
  this.timeout(isLongRun ? 0 : 900_000)
  let counted: readonly TargetResult[]
  let results: readonly TargetResult[]

  before(async () => {
    counted = await runTargets(COUNTED_RUNS)
    const shares = Array.from({ length: SHARES }, (_, i) => runTargets(RUNS, `${i + 1}/${SHARES}`))
    results = (await Promise.all(shares)).flat()
    process.stdout.write(`      seed ${SEED}\n`)
    for (const { name, inputs, framed, read, cpuMsMax } of results) {
      const reach = counted.find((result) => result.name === name)?.reach
      recordFigures(`fuzz ${name}`, {
        inputs,
        framedPercent: percent(framed, inputs),
        readPercent: percent(read, inputs),
        ...(reach === undefined
          ? {}
          : { branches: reach.branches, reachPercent: percent(reach.reached, reach.branches) }),
        cpuMsMax: Math.ceil(cpuMsMax),
      })
    }
  })

  it('are at least 15, and each was tried', () => {
    assert.ok(results.length >= 15, `${results.length} targets`)
    assert.equal(new Set(results.map(({ name }) => name)).size, results.length)
    for (const { name, inputs, read } of results) assert.ok(inputs >= RUNS && read > 0, name)
  })

  it('read what they are given, or throw a ShoalError', () => {
    const found = [...counted, ...results].flatMap(({ name, failures }) =>
      failures.map(({ input, error }) => `${name}, base64 ${input}\n${error}`),
    )
    assert.deepEqual(found, [], 'put the input into test/hostile/corpus')
  })

  it('are given inputs that get past the framing', () => {
    const blunt = results.filter(({ framed, inputs }) => framed < FRAMED_MIN * inputs)
    assert.deepEqual(
      blunt.map(({ name }) => name),
      [],
    )
  })

  it('are reached in nearly all of their branches', () => {
    const reaches = counted.flatMap(({ name, reach }) => (reach === undefined ? [] : [{ name, ...reach }]))
    assert.equal(reaches.length, results.length)
    const branches = reaches.reduce((sum, reach) => sum + reach.branches, 0)
    const reached = reaches.reduce((sum, reach) => sum + reach.reached, 0)
    recordFigures('fuzz reach', { branches, reachPercent: percent(reached, branches) }, 1)
    const missed = reaches.flatMap((reach) => reach.missed).join('\n')
    assert.ok(reached >= REACH_MIN * branches, missed)
    for (const { name, missed: left, branches: all } of reaches)
      assert.ok(left.length <= Math.max(MISSED_MAX, MISSED_PART_MAX * all), `${name}\n${left.join('\n')}`)
  })

  it('take no input for longer than an event loop may stand still', () => {
    for (const { name, cpuMsMax } of results)
      assert.ok(cpuMsMax <= CPU_MS_MAX, `${name}: ${cpuMsMax} ms of CPU`)
  })
})
