/** The one file that turns errors into replies: `application/problem+json` (RFC 9457). */
import type { ErrorRequestHandler, Response } from 'express'
import { ZodError, z } from 'zod'
import { type ErrorCode, messageOf, ShoalError } from '../../core/errors.ts'
import type { Logger } from '../../platform/log.ts'
import type { Problem } from '../../wire/api.ts'

const STATUS = {
  'bad-input': 400,
  'bad-usage': 400,
  'not-authenticated': 401,
  'not-granted': 403,
  'not-found': 404,
  conflict: 409,
  'over-limit': 413,
  unavailable: 503,
  interrupted: 503,
} as const satisfies Record<ErrorCode, number>

const TITLE: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'Who are you?',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not that way',
  409: 'Conflict',
  413: 'Too large',
  415: 'Not of the expected type',
  429: 'Too many failures',
  500: 'Internal error',
  503: 'Try again',
}

/** Too many failures from this address. */
export class TooManyFailures extends Error {
  override readonly name = 'TooManyFailures'
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(`too many failures from your address: try again in ${retryAfterSeconds} seconds`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** What Express and its parsers throw: made with `http-errors`, with a message that is safe when `expose`. */
const zHttpError = z.object({ status: z.number().int().min(400).max(499), message: z.string() })

/** Pure. What is not expected is a bug, and is told as "internal error" only. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ShoalError) return problem(STATUS[error.code], error.message, error.code)
  if (error instanceof ZodError) return problem(400, sentenceOf(error), 'bad-input')
  if (error instanceof TooManyFailures) return problem(429, error.message, 'over-limit')
  const http = zHttpError.safeParse(error)
  if (http.success) return problem(http.data.status, http.data.message.slice(0, 200))
  return problem(500)
}

function problem(status: number, detail?: string, code?: ErrorCode): Problem {
  const title = TITLE[status] ?? TITLE[400] ?? 'Error'
  return {
    type: 'about:blank',
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(code === undefined ? {} : { code }),
  }
}

/** The first few things that are wrong, each with its place. */
function sentenceOf(error: ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => (issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`))
    .join('; ')
}

export function sendProblem(res: Response, error: unknown): void {
  const body = problemOf(error)
  if (body.status === 401) res.set('WWW-Authenticate', 'Bearer realm="shoal"')
  if (body.status === 503) res.set('Retry-After', '2')
  if (error instanceof TooManyFailures) res.set('Retry-After', String(error.retryAfterSeconds))
  res
    .status(body.status)
    .type('application/problem+json')
    .set('Cache-Control', 'no-store')
    .send(JSON.stringify(body))
}

/** The last handler of the app. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express knows error handlers by their four parameters
  return (error: unknown, _req, res, _next) => {
    if (problemOf(error).status === 500) log.error({ err: error }, `a bug: ${messageOf(error)}`)
    if (res.headersSent) res.destroy()
    else sendProblem(res, error)
  }
}
