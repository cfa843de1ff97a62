/** argv -> exit code. Every command ends here, well or badly. */
import { CommanderError } from 'commander'
import { systemCode } from '../core/errors.ts'
import { Output } from './output.ts'
import { exitCodeOf, explain } from './exit.ts'
import { buildProgram } from './program.ts'

/** Runs one command line. Never throws: an error becomes one sentence on standard error and an exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const output = new Output({ json: args.includes('--json') })
  const refusals = watchOutput()
  try {
    await buildProgram(output).parseAsync(args, { from: 'user' })
    await flushed()
    if (refusals.length === 0) return 0
    output.failure(`the result could not be written: ${explain(refusals[0])}`)
    return 1
  } catch (error) {
    // Commander has said what was wrong with the usage, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    output.failure(
      explain(error),
      args.includes('--verbose') && error instanceof Error ? error.stack : undefined,
    )
    return exitCodeOf(error)
  }
}

/**
 * What the system answers to our own output ends nothing: a service goes on though nobody reads what it says. But a
 * result that did not arrive is a failure; not so when its reader has left (`shoal list | head`).
 */
function watchOutput(): readonly Error[] {
  const refusals: Error[] = []
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: Error) => {
    if (systemCode(error) !== 'EPIPE') refusals.push(error)
  })
  return refusals
}

/** Errors of what was written before are known when this resolves. */
function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()))
}
