/** Links may come on standard input, so that they never stand in a process list. */
import { ShoalError } from '../core/errors.ts'
import { limits } from '../wire/limits.ts'

/** The first line of standard input, trimmed. @throws ShoalError when there is none, or it is too long. */
export async function readLine(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin as AsyncIterable<string>) {
    text += chunk
    if (text.includes('\n') || text.length > limits.magnetInputCharsMax) break
  }
  const line = text.split('\n')[0]?.trim() ?? ''
  if (line === '') throw new ShoalError('bad-usage', 'no link on standard input')
  if (line.length > limits.magnetInputCharsMax)
    throw new ShoalError('over-limit', 'the line on standard input is too long for a link')
  return line
}
