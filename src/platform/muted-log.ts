/** A log that says nothing, for commands that talk to a person: without pino, whose loading costs 15 ms of CPU. */
import type { Logger } from './log.ts'

const nothing = (): void => undefined

export const mutedLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => mutedLogger,
}
