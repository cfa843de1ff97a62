/** argv -> exit code. Every command ends here, well or badly. */
import { CommanderError } from 'commander'
import { Output } from './output.ts'
import { exitCodeOf, explain } from './exit.ts'
import { buildProgram } from './program.ts'

/** Runs one command line. Never throws: an error becomes one sentence on standard error and an exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const output = new Output({ json: args.includes('--json') })
  try {
    await buildProgram(output).parseAsync(args, { from: 'user' })
    return 0
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
