/** From what a portal answered to a value, or to the one sentence that says why not. */
import type { z } from 'zod'
import { ShoalError, type ErrorCode } from '../core/errors.ts'
import { withoutSecrets } from '../platform/secrets.ts'
import type { HttpReply } from './http-request.ts'

const CODES = {
  'bad-input': true,
  'bad-usage': true,
  'not-authenticated': true,
  'not-granted': true,
  'not-found': true,
  conflict: true,
  'over-limit': true,
  unavailable: true,
  interrupted: true,
} as const satisfies Record<ErrorCode, true>

/** @throws ShoalError `unavailable` unless the body is JSON of the schema's shape. */
export function valueOf<T>(reply: HttpReply, schema: z.ZodType<T>, origin: string): T {
  const parsed = schema.safeParse(jsonOf(reply))
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  const where = first === undefined || first.path.length === 0 ? '' : ` (${first.path.join('.')})`
  throw notUnderstood(origin, where, parsed.error)
}

export function notUnderstood(origin: string, where = '', cause?: unknown): ShoalError {
  return new ShoalError(
    'unavailable',
    `the portal at ${origin} gave an answer that this version does not understand${where}`,
    { cause },
  )
}

/** Undefined when the body is no JSON. */
export function jsonOf(reply: HttpReply): unknown {
  try {
    return JSON.parse(Buffer.from(reply.body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** The refusal behind an answer whose status is none of success: problem+json (RFC 9457), or the status. */
export function refusalOf(reply: HttpReply, origin: string, hadToken: boolean): ShoalError {
  const problem = problemOf(reply)
  const detail = problem.detail === undefined ? '' : sentence(problem.detail)
  if (reply.status === 401) return notAuthenticated(origin, hadToken, detail)
  const code = problem.code ?? codeOfStatus(reply.status)
  if (detail !== '') return new ShoalError(code, detail)
  if (reply.status >= 300 && reply.status < 400)
    return new ShoalError(
      code,
      `the portal at ${origin} sends us elsewhere (${reply.status}), which is not followed`,
    )
  return new ShoalError(code, `the portal at ${origin} refuses (HTTP ${reply.status})`)
}

function notAuthenticated(origin: string, hadToken: boolean, detail: string): ShoalError {
  const why = detail === '' ? '' : `: ${detail}`
  return new ShoalError(
    'not-authenticated',
    hadToken
      ? `the portal at ${origin} does not accept this token${why}`
      : `the portal at ${origin} wants a token: give one with --token-file or $SHOAL_TOKEN`,
  )
}

interface ProblemParts {
  readonly code?: ErrorCode
  readonly detail?: string
}

/** Read by hand, since a refusal must not cost the loading of all schemas; anything odd counts as absent. */
function problemOf(reply: HttpReply): ProblemParts {
  const body = jsonOf(reply)
  if (typeof body !== 'object' || body === null) return {}
  const code = 'code' in body ? body.code : undefined
  const text = 'detail' in body ? body.detail : 'title' in body ? body.title : undefined
  return {
    ...(isErrorCode(code) ? { code } : {}),
    ...(typeof text === 'string' && text.trim() !== '' ? { detail: text } : {}),
  }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(CODES, value)
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 403:
      return 'not-granted'
    case 404:
    case 410:
      return 'not-found'
    case 409:
      return 'conflict'
    case 413:
    case 429:
      return 'over-limit'
    default:
      return status >= 400 && status < 500 ? 'bad-input' : 'unavailable'
  }
}

/** Foreign text made fit for a terminal and a log: one line, no control characters, no secret, cut. */
function sentence(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return withoutSecrets(plain.length > 500 ? `${plain.slice(0, 499)}…` : plain)
}
