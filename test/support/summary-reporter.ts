/**
 * mocha's `spec` output, then one line that every runner understands: `N passed, N failed, N skipped`. With
 * `TEST_SUMMARY_FILE` the line goes there instead, for scripts/test to print after the coverage; with
 * `TEST_FAILURES_FILE` the failures are written there as well, to be read without the rest.
 */
import { writeFileSync } from 'node:fs'
import { format } from 'node:util'
import Mocha from 'mocha'

const { Base } = Mocha.reporters

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      const line = `${passes} passed, ${failures} failed, ${pending} skipped\n`
      const file = process.env.TEST_SUMMARY_FILE
      if (file === undefined) process.stdout.write(line)
      else writeFileSync(file, line)
      const failuresFile = process.env.TEST_FAILURES_FILE
      if (failuresFile !== undefined) writeFileSync(failuresFile, this.#failureText())
    })
  }

  /** As mocha prints them at the end of a run, with the file of each. */
  #failureText(): string {
    const lines: string[] = []
    const print = Base.consoleLog
    Base.consoleLog = (...args: unknown[]) => lines.push(format(...args))
    try {
      for (const failure of this.failures) {
        Base.list([failure])
        lines.push(`     in ${failure.file ?? 'an unknown file'}`)
      }
    } finally {
      Base.consoleLog = print
    }
    return lines.join('\n')
  }
}
