/** Logging: pino, with secrets taken out before they are written. */
import pino from 'pino'
import { openLogSink } from './log-sink.ts'
import { withoutSecrets } from './secrets.ts'

/** A pino logger seen through fewer methods. */
export interface Logger extends Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'> {
  child(bindings: Readonly<Record<string, unknown>>): Logger
}

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Written to standard error as lines of JSON; a file takes over with `destination`. */
  readonly destination?: string
}

export function createLogger(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['req.headers.authorization', 'req.headers.cookie', 'authorization', 'cookie'],
        censor: '[redacted]',
      },
      hooks: { streamWrite: withoutSecrets },
    },
    openLogSink(options.destination),
  )
}

/** Says nothing. For tests; commands that talk to a person have `muted-log.ts`. */
export const silentLogger: Logger = pino({ level: 'silent' })
