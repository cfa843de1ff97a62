/**
 * The head of a plain GET (RFC 9112), as clients of trackers send it, read without building anything. What is
 * not plainly such a head is no error here: it is left to node:http, which judges it.
 */

export interface SimpleGet {
  /** Path and query as they came. */
  readonly target: string
  /** The connection stays open after the answer. */
  readonly keepsAlive: boolean
  /** `X-Forwarded-For`; several of them joined by commas, as RFC 9110 has it. */
  readonly forwardedFor: string | undefined
  /** Where the next request begins. */
  readonly end: number
}

/** `other`: whoever reads HTTP in full should read this. */
export type SimpleGetResult = SimpleGet | 'incomplete' | 'other'

/** Every character of a request target (RFC 3986) and nothing that ends or bends a line. */
const TARGET = /^[!-~]+$/
/** A field line: a token, a colon at once, and a value of visible characters, spaces and tabs. */
const FIELD_VALUE = /^[\t -~]*$/

/**
 * Reads the request that begins at `start` of `text`, a character a byte. Without a body, an upgrade, an
 * expectation, or anything else that would need an answer of its own.
 */
export function readSimpleGet(text: string, start: number): SimpleGetResult {
  if (!text.startsWith('GET /', start)) return isBeginning(text, start) ? 'incomplete' : 'other'
  const headEnd = text.indexOf('\r\n\r\n', start)
  if (headEnd === -1) return 'incomplete'
  const lineEnd = text.indexOf('\r\n', start)
  const version = lineEnd - 8
  const isOld = text.startsWith('HTTP/1.0', version)
  if (text[version - 1] !== ' ' || (!isOld && !text.startsWith('HTTP/1.1', version))) return 'other'
  const target = text.slice(start + 4, version - 1)
  if (!TARGET.test(target)) return 'other'
  let keepsAlive = !isOld
  let hosts = 0
  let forwardedFor: string | undefined
  for (let at = lineEnd + 2; at < headEnd + 2;) {
    const end = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    if (colon === -1 || colon >= end) return 'other'
    const value = text.slice(colon + 1, end)
    if (!FIELD_VALUE.test(value)) return 'other'
    switch (text.slice(at, colon).toLowerCase()) {
      case 'host':
        hosts++
        break
      case 'connection': {
        const option = value.trim().toLowerCase()
        if (option !== 'close' && option !== 'keep-alive') return 'other'
        keepsAlive = option === 'keep-alive'
        break
      }
      case 'x-forwarded-for':
        forwardedFor = forwardedFor === undefined ? value.trim() : `${forwardedFor},${value.trim()}`
        break
      case 'user-agent':
      case 'accept':
      case 'accept-encoding':
      case 'accept-language':
      case 'cache-control':
      case 'pragma':
      case 'x-forwarded-proto':
      case 'x-forwarded-host':
      case 'x-real-ip':
      case 'via':
        break
      default:
        return 'other'
    }
    at = end + 2
  }
  if (hosts > 1 || (hosts === 0 && !isOld)) return 'other'
  return { target, keepsAlive, forwardedFor, end: headEnd + 4 }
}

const isBeginning = (text: string, start: number): boolean => 'GET /'.startsWith(text.slice(start, start + 5))
