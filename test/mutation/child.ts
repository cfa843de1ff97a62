/**
 * The process in which mutants are tried: loads the instrumented files in place of the real ones, their tests
 * once, and runs these as often as it is told, each time with another mutant on.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import Mocha from 'mocha'
import type { Load, Told, Try } from './messages.ts'

declare global {
  var mutantOn: number
}

/** Mutants that leave a promise open end by this; tests that are well take a fraction. */
const TEST_TIMEOUT_MS = 10_000

/** Says nothing; what failed is told to the pool. */
class Silent extends Mocha.reporters.Base {}

const tell = (told: Told): void => void process.send?.(told)

process.once('message', (load: Load) => {
  void prepare(load).then((mocha) => {
    process.on('message', ({ mutantOn }: Try) => {
      globalThis.mutantOn = mutantOn
      runTests(mocha, mutantOn)
    })
    tell({ kind: 'loaded' })
  })
})

async function prepare({ sources, specs, mutantOn }: Load): Promise<Mocha> {
  globalThis.mutantOn = mutantOn
  const byUrl = new Map(Object.entries(sources).map(([path, source]) => [pathToFileURL(path).href, source]))
  registerHooks({
    load: (url, context, next) => {
      const source = byUrl.get(url)
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
    },
  })
  // The same inputs for every mutant: what is killed today is killed tomorrow.
  fc.configureGlobal({ seed: 1 })
  const mocha = new Mocha({ bail: true, timeout: TEST_TIMEOUT_MS, reporter: Silent })
  mocha.cleanReferencesAfterRun(false)
  for (const spec of specs) mocha.addFile(spec)
  await mocha.loadFilesAsync()
  return mocha
}

function runTests(mocha: Mocha, mutantOn: number): void {
  let passed = 0
  let failure: string | undefined
  mocha
    .run(() => {
      tell({ kind: 'tried', mutantOn, passed, ...(failure === undefined ? {} : { failure }) })
    })
    .on('pass', () => passed++)
    .on('fail', (test) => (failure ??= test.fullTitle()))
}
