/** Logging: pino, with secrets taken out before they are written. */
import pino from 'pino'

export type Logger = Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child'>

/** A grant is a compact JWS; wherever one could stand in a text it is cut out. */
const TOKEN_IN_TEXT = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g
/** API tokens begin so (`portal/tokens.ts`). */
const API_TOKEN_IN_TEXT = /shoal_[A-Za-z0-9_-]{16,}/g

/** Any text made fit for a log, an error or a metric: grants and API tokens become `[redacted]`. */
export function withoutSecrets(text: string): string {
  return text.replace(TOKEN_IN_TEXT, '[redacted]').replace(API_TOKEN_IN_TEXT, '[redacted]')
}

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Written to standard error as lines of JSON; a file takes over with `destination`. */
  readonly destination?: string
}

export function createLogger(options: LogOptions): Logger {
  const stream = pino.destination({ dest: options.destination ?? 2, sync: false, mkdir: true })
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
    stream,
  )
}

/** Says nothing. For tests, and for commands that talk to a person. */
export const silentLogger: Logger = pino({ level: 'silent' })
