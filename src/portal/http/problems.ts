/** The one file that turns errors into replies: `application/problem+json` (RFC 9457). */
import type { ErrorRequestHandler, Response } from 'express'
import { ZodError, z } from 'zod'
import { type ErrorCode, messageOf, ShoalError } from '../../core/errors.ts'
import type { Logger } from '../../platform/log.ts'
import { withoutSecrets } from '../../platform/secrets.ts'
import { systemSentence } from '../../platform/system-sentence.ts'
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
  416: 'Not a part of it',
  429: 'Too much',
  500: 'Internal error',
  503: 'Try again',
}

/** Too many failures from this address. */
export class TooManyFailures extends Error {
  override readonly name = 'TooManyFailures'
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super(`too many failures: try again in ${retryAfterSeconds} seconds`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const REFUSAL_CODE = { 416: 'bad-input', 429: 'over-limit', 503: 'unavailable' } as const satisfies Record<
  number,
  ErrorCode
>

/** What has a status that no {@link ErrorCode} has, or headers that say what to do next. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal'
  readonly status: keyof typeof REFUSAL_CODE
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: keyof typeof REFUSAL_CODE,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/**
 * What Express and its parsers throw. Their messages are not shown: they hold pieces of what was sent, and a token
 * pasted at the wrong place would stand in an answer.
 */
const zHttpError = z.object({ status: z.number().int().min(400).max(499), type: z.string().optional() })

/** By the `type` that body-parser gives its errors. */
const HTTP_SENTENCE: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'the body is no JSON',
  'entity.too.large': 'the body is longer than this address takes',
  'encoding.unsupported': 'the body is compressed in a way that is not understood here',
  'charset.unsupported': 'the body is in a character set that is not understood here',
  'request.aborted': 'the request ended before its body did',
  'request.size.invalid': 'the body is not as long as was said',
}
const HTTP_SENTENCE_ELSE = 'its address or its body is not well-formed'

/** Pure. What is not expected is a bug, and is told as "internal error" only. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ShoalError) return problem(STATUS[error.code], error.message, error.code)
  if (error instanceof ZodError) return problem(400, sentenceOf(error), 'bad-input')
  const sentence = systemSentence(error)
  if (sentence !== undefined)
    return problem(503, `${sentence} where the portal keeps its things: tell its operator`, 'unavailable')
  if (error instanceof TooManyFailures) return problem(429, error.message, 'over-limit')
  if (error instanceof HttpRefusal) return problem(error.status, error.message, REFUSAL_CODE[error.status])
  const http = zHttpError.safeParse(error)
  if (http.success)
    return problem(http.data.status, HTTP_SENTENCE[http.data.type ?? ''] ?? HTTP_SENTENCE_ELSE)
  return problem(500)
}

function problem(status: number, detail?: string, code?: ErrorCode): Problem {
  const title = TITLE[status] ?? TITLE[400] ?? 'Error'
  return {
    type: 'about:blank',
    title,
    status,
    ...(detail === undefined ? {} : { detail: withoutSecrets(detail) }),
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
  if (error instanceof HttpRefusal) res.set(error.headers)
  res
    .status(body.status)
    .type('application/problem+json')
    .set('Cache-Control', 'no-store')
    .send(JSON.stringify(body))
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'

/** The last handler of the app. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- Express knows error handlers by their four parameters
  return (error: unknown, _req, res, _next) => {
    if (res.destroyed && isAbort(error)) return // who asked is gone, and nobody goes on for them
    if (problemOf(error).status === 500) log.error({ err: error }, `a bug: ${messageOf(error)}`)
    else if (systemSentence(error) !== undefined) log.error({ err: error }, 'the disk refused')
    if (res.headersSent) res.destroy()
    else sendProblem(res, error)
  }
}
