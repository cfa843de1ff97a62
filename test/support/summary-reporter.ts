/**
 * mocha's `spec` output, then one line that every runner understands: `N passed, N failed, N skipped`. With
 * `TEST_SUMMARY_FILE` the line goes there instead, for scripts/test to print after the coverage.
 */
import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      const line = `${passes} passed, ${failures} failed, ${pending} skipped\n`
      const file = process.env.TEST_SUMMARY_FILE
      if (file === undefined) process.stdout.write(line)
      else writeFileSync(file, line)
    })
  }
}
