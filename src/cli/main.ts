/**
 * The entry of the `shoal` command. Sets the title first, so that a link or token given as an argument does
 * not stand in the process list for longer than the start takes; everything else is loaded when it is asked for.
 */
process.title = 'shoal'

const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
