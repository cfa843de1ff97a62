/**
 * Tokens with one spelling: compact JWS (RFC 7515) whose header and payload are JSON that we write in one way. One
 * that decodes to the same claims but is written otherwise is refused, so that its text is as good a name as its id.
 */
import { ShoalError } from '../core/errors.ts'

type Fields = Readonly<Record<string, unknown>>

/** One kind of token. */
export interface StrictToken<Claims> {
  readonly charsMax: number
  /** Three parts of base64url, each of the lengths that it can have. */
  readonly shape: RegExp
  readonly headerText: (kid: string) => string
  readonly claimsText: (claims: Claims) => string
  /** @throws ShoalError. */
  readonly claimsOf: (payload: Fields) => Claims
  /** What everybody hears whose token is not one. */
  readonly refusal: string
}

const KID = /^[A-Za-z0-9_-]{1,8}$/

/**
 * What the token says, by its shape only: NOT verified.
 * @throws ShoalError `not-granted` with the kind's one constant text.
 */
export function peekStrictToken<Claims>(
  token: string,
  kind: StrictToken<Claims>,
): { kid: string; claims: Claims } {
  try {
    if (token.length > kind.charsMax || !kind.shape.test(token)) throw new ShoalError('bad-input', 'shape')
    const [header = '', payload = '', signature = ''] = token.split('.')
    const kid = kidOf(jsonOf(header))
    const claims = kind.claimsOf(jsonOf(payload))
    const respelt = [kind.headerText(kid), kind.claimsText(claims), Buffer.from(signature, 'base64url')]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
    if (respelt !== token) throw new ShoalError('bad-input', 'another spelling')
    return { kid, claims }
  } catch (error) {
    throw new ShoalError('not-granted', kind.refusal, { cause: error })
  }
}

function jsonOf(base64url: string): Fields {
  const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString())
  if (typeof value !== 'object' || value === null) throw new ShoalError('bad-input', 'no object')
  return { ...value }
}

function kidOf(header: Fields): string {
  if (typeof header['kid'] === 'string' && KID.test(header['kid'])) return header['kid']
  throw new ShoalError('bad-input', 'kid')
}
