/**
 * The whole suite for `scripts/test`: its files in lanes (`test/lanes.ts`), each a mocha of its own. The lanes of a phase go at the
 * same time where each can have a loopback to itself (root, namespaces of networks and mounts), so that none takes a port of another; elsewhere,
 * and in the long run, whose figures are kept, one after the other.
 *
 * The first lane of a phase is printed as it goes, the others when they have ended; all failures once more at the end. What is
 * written to `TEST_SUMMARY_FILE` is the sum of all lanes.
 *
 *     node scripts/run-lanes.ts [mocha's options]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { getPriority, setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { filesByLane, PHASES, YIELDING, type Lane } from '../test/lanes.ts'

const root = resolve(import.meta.dirname, '..')
const mochaArgs = process.argv.slice(2)
const work = mkdtempSync(join(tmpdir(), 'shoal-lanes-'))
chmodSync(work, 0o755) // tests act as another user, below it
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

/** Of a lane that yields: as `nice` counts, more than this process has. */
const YIELDS_BY = 5
/** Of a test that says none itself, where others take of its processor: it is there to end what hangs, not what is slow. */
const TOGETHER_TIMEOUT = ['--timeout', '120000']

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const running = new Set<ChildProcess>()
const stopped = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.on(signal, () => {
    stopped.abort()
    for (const child of running) child.kill(signal)
  })

/** Runs what comes after it in a network of its own: loopback only. */
const OWN_NETWORK = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
/** With its temporary files in memory too: databases by the hundred are flushed to them. */
const OWN_MEMORY = [
  ...['unshare', '--net', '--mount', 'sh', '-c'],
  'ip link set lo up && mount -t tmpfs -o size=4g shoal-test "$TMPDIR" && exec "$@"',
  'sh',
]
const areApart = isDone([...OWN_NETWORK, 'true']) && isDone([...OWN_MEMORY, 'true'])
const areTogether = areApart && process.env['SHOAL_LONG'] !== '1'

const files = filesByLane(root)
const phases = areTogether ? PHASES : PHASES.flat().map((lane) => [lane])
const failures: string[] = []
/** Of those that have ended. */
const exits = new Map<Lane, number>()
let sum: Counts = { passed: 0, failed: 0, skipped: 0 }
for (const phase of phases) {
  if (stopped.signal.aborted) break
  const ends = phase.map((lane, i) =>
    runLane(lane, { isBeside: phase.length > 1, output: i === 0 ? 'inherit' : openSync(logOf(lane), 'w') }),
  )
  for (const [i, lane] of phase.entries()) {
    await ends[i]
    if (i > 0) await pipeline(createReadStream(logOf(lane)), process.stdout, { end: false })
    take(lane)
  }
}
if (failures.length > 0) console.log(`\nWhat failed, once more:\n${failures.join('\n')}\n`)
const line = `${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`
const summaryFile = process.env['TEST_SUMMARY_FILE']
if (summaryFile === undefined) console.log(line)
else writeFileSync(summaryFile, `${line}\n`)
process.exitCode = sum.failed > 0 || stopped.signal.aborted ? 1 : 0

/** `isBeside`: others go at the same time, so it has a network of its own. */
function runLane(
  lane: Lane,
  { isBeside, output }: { isBeside: boolean; output: 'inherit' | number },
): Promise<void> {
  const began = performance.now()
  const reporter = './test/support/summary-reporter.ts'
  const mocha = [process.execPath, 'node_modules/.bin/mocha', '--exit', '--reporter', reporter]
  const timeout = isBeside ? TOGETHER_TIMEOUT : []
  const yields = isBeside && YIELDING.has(lane)
  const [program = '', ...args] = [
    ...(isBeside ? (yields ? OWN_MEMORY : OWN_NETWORK) : []),
    ...mocha,
    ...timeout,
    ...mochaArgs,
    ...(files.get(lane) ?? []),
  ]
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      ...(yields ? { TMPDIR: mkdtempSync(join(work, `${lane}-`)) } : {}),
      TEST_SUMMARY_FILE: summaryOf(lane),
      TEST_FAILURES_FILE: failuresOf(lane),
      ...(lane === 'uncounted' ? { NODE_V8_COVERAGE: undefined } : {}),
    },
  })
  running.add(child)
  if (yields && child.pid !== undefined)
    setPriority(child.pid, Math.min(19, getPriority(child.pid) + YIELDS_BY))
  return new Promise((ended, failed) => {
    child.once('error', failed)
    child.once('close', (code, signal) => {
      running.delete(child)
      exits.set(lane, code ?? 1)
      const seconds = Math.round((performance.now() - began) / 1_000)
      const said = `\n--- ${lane}: ${files.get(lane)?.length ?? 0} files, ${seconds} s, ${signal ?? `exit ${String(code)}`}\n`
      if (output === 'inherit') process.stdout.write(said)
      else {
        writeFileSync(output, said)
        closeSync(output)
      }
      ended()
    })
  })
}

/** Adds what a lane counted. One that did not come to its end has failed, whatever else. */
function take(lane: Lane): void {
  const counted = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(contentOf(summaryOf(lane)))
  const [passed = 0, failed = 0, skipped = 0] = (counted ?? []).slice(1).map(Number)
  sum = { passed: sum.passed + passed, failed: sum.failed + failed, skipped: sum.skipped + skipped }
  const text = contentOf(failuresOf(lane))
  if (text !== '') failures.push(text)
  if (counted !== null && (failed > 0 || exits.get(lane) === 0)) return
  failures.push(`  The run of the lane "${lane}" ended before its tests did, or not as it should.`)
  sum = { ...sum, failed: sum.failed + 1 }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it was not written
  }
}

function isDone([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', env: { ...process.env, TMPDIR: work } }).status === 0
}

function logOf(lane: Lane): string {
  return join(work, `${lane}.log`)
}
function summaryOf(lane: Lane): string {
  return join(work, `${lane}.summary`)
}
function failuresOf(lane: Lane): string {
  return join(work, `${lane}.failures`)
}
