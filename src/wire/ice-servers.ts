/**
 * STUN and TURN servers (RFC 7064, RFC 7065), as an operator writes them: `stun:HOST[:PORT]`, or
 * `turn:USER:CREDENTIAL@HOST[:PORT][?transport=tcp]`, where user and credential are percent-encoded. They are the
 * company's own: without any, browsers and the gateway meet by the addresses that they have.
 */
import { z } from 'zod'
import { tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

/** As a browser's RTCPeerConnection takes it. */
export const zIceServer = z.strictObject({
  urls: z.string().max(limits.iceServerCharsMax),
  username: z.string().max(limits.iceServerCharsMax).optional(),
  credential: z.string().max(limits.iceServerCharsMax).optional(),
})
export type IceServer = z.infer<typeof zIceServer>
export const zIceServers = z.array(zIceServer).max(limits.iceServersMax)

const PARTS =
  /^(?<scheme>stuns?|turns?):(?:(?<user>[^:@?]*):(?<credential>[^:@?]*)@)?(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?<port>\d{1,5}))?(?<query>\?transport=(?:udp|tcp))?$/
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/ // prettier-ignore

/**
 * No message repeats what was given: there may be a credential in it.
 * @throws ShoalError `bad-usage`.
 */
export function iceServer(text: string): IceServer {
  const parts = text.length <= limits.iceServerCharsMax ? PARTS.exec(text)?.groups : undefined
  if (parts === undefined)
    throw bad('stun:HOST[:PORT] or turn:USER:CREDENTIAL@HOST[:PORT][?transport=tcp] expected')
  const { scheme = '', user, credential, host = '', port, query = '' } = parts
  const isTurn = scheme.startsWith('turn')
  if (!isHost(host)) throw bad('the host of a STUN or TURN server is neither a name nor an address')
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw bad('the port of a STUN or TURN server is none')
  const urls = `${scheme}:${host}${port === undefined ? '' : `:${port}`}${query}`
  if (!isTurn) {
    if (user !== undefined || query !== '')
      throw bad('a STUN server has neither user and credential nor a transport')
    return { urls }
  }
  if (user === undefined || credential === undefined || user === '' || credential === '')
    throw bad('a TURN server needs its user and credential: turn:USER:CREDENTIAL@HOST')
  return { urls, username: decoded(user), credential: decoded(credential) }
}

/** Separated by commas. @throws ShoalError `bad-usage`. */
export function iceServers(text: string): readonly IceServer[] {
  const servers = text.trim() === '' ? [] : text.split(',').map((part) => iceServer(part.trim()))
  if (servers.length > limits.iceServersMax)
    throw bad(`at most ${limits.iceServersMax} STUN and TURN servers expected`)
  return Object.freeze(servers)
}

function isHost(host: string): boolean {
  if (host.startsWith('[')) return tryIpAddress(host.slice(1, -1))?.includes(':') === true
  // what ends in digits is an address or nothing: no name does
  return /(?:^|\.)\d+$/.test(host) ? tryIpAddress(host) !== undefined : HOST_NAME.test(host)
}

function decoded(text: string): string {
  let plain: string
  try {
    plain = decodeURIComponent(text)
  } catch {
    throw bad('user or credential of a TURN server: a "%" that begins no percent-encoded byte')
  }
  if (/\p{Cc}/u.test(plain)) throw bad('user or credential of a TURN server: a control character')
  return plain
}

const bad = (reason: string): ShoalError => new ShoalError('bad-usage', reason)
