/** Runs `shoal inspect` on each line of standard input, a JSON string, in one process; prints the exit codes. */
import { createInterface } from 'node:readline'
import { run } from '../../../src/cli/run.ts'

for await (const line of createInterface({ input: process.stdin })) {
  const code = await run(['inspect', JSON.parse(line) as string, '--json'])
  process.stdout.write(`${JSON.stringify({ event: 'ended', code })}\n`)
}
