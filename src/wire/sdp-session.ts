/**
 * A session description for data channels (RFC 8841), read to the last value and written anew. What a stranger wrote
 * never reaches a parser that is not ours: native code is handed what {@link formatSession} makes, and nothing else.
 */
import { type IpAddress, tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { refusedRangeOf } from './foreign-url.ts'
import { limits } from './limits.ts'
import type { Sdp } from './sdp.ts'

/** Where its maker can be reached by UDP (RFC 8839). */
export interface SessionCandidate {
  readonly type: 'host' | 'srflx' | 'prflx' | 'relay'
  readonly priority: number
  readonly host: IpAddress
  readonly port: number
}

export interface DataSession {
  readonly mid: string
  readonly ufrag: string
  readonly password: string
  /** SHA-256 of the maker's certificate: 32 bytes in upper-case hex, with colons. */
  readonly fingerprint: string
  readonly setup: 'actpass' | 'active' | 'passive'
  readonly sctpPort: number
  /** The largest message that its maker takes. */
  readonly messageBytesMax: number
  /** At most `limits.sdpCandidatesMax`, by address; names, which only a resolver could read, are left out. */
  readonly candidates: readonly SessionCandidate[]
}

const MEDIA = /^application \d{1,5} UDP\/DTLS\/SCTP webrtc-datachannel$/
const ICE_CHARS = /^[A-Za-z0-9+/]+$/
const FINGERPRINT = /^sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/i
const CANDIDATE =
  /^[A-Za-z0-9+/]{1,32} 1 udp (\d{1,10}) ([0-9A-Fa-f:.]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: [\x21-\x7e]{1,64}){0,16}$/i
/** What RFC 8841 says where none is named. */
const MESSAGE_BYTES_USUAL = 64 * 1_024
const MESSAGE_BYTES_MOST = 256 * 1_024

/** @throws ShoalError `bad-input` that names the line. */
export function sessionOf(sdp: Sdp): DataSession {
  const media: string[] = []
  const said = new Map<string, string[]>()
  for (const line of sdp.split(/\r?\n/)) {
    if (line.startsWith('m=')) media.push(line.slice(2))
    const [, name = '', value = ''] = /^a=([a-z-]{1,32}):(.*)$/.exec(line) ?? []
    if (name !== '') said.set(name, [...(said.get(name) ?? []), value])
  }
  if (media.length !== 1 || !MEDIA.test(media[0] ?? ''))
    throw bad('m: one stream of data channels expected, and nothing else')
  const one = (name: string): string | undefined => {
    const values = new Set(said.get(name))
    if (values.size > 1) throw bad(`${name}: it is said twice`)
    return values.values().next().value
  }
  return {
    mid: matching(one('mid') ?? '0', /^[A-Za-z0-9_-]{1,16}$/, 'mid'),
    ufrag: iceText(one('ice-ufrag'), 4, 'ice-ufrag'),
    password: iceText(one('ice-pwd'), 22, 'ice-pwd'),
    fingerprint: matching(one('fingerprint') ?? '', FINGERPRINT, 'fingerprint')
      .slice(8)
      .toUpperCase(),
    setup: matching(one('setup') ?? '', /^(?:actpass|active|passive)$/, 'setup') as DataSession['setup'],
    sctpPort: whole(one('sctp-port') ?? '5000', 1, 65_535, 'sctp-port'),
    messageBytesMax: messageBytesOf(one('max-message-size')),
    candidates: candidatesOf(said.get('candidate') ?? []),
  }
}

/** As the other side's native code is to read it. */
export function formatSession(session: DataSession): string {
  const { mid, ufrag, password, fingerprint, setup, sctpPort, messageBytesMax, candidates } = session
  return [
    'v=0',
    'o=- 1 0 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    'a=sendrecv',
    `a=sctp-port:${sctpPort}`,
    `a=max-message-size:${messageBytesMax}`,
    `a=setup:${setup}`,
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${password}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    ...candidates.map(candidateLine),
    'a=end-of-candidates',
    '',
  ].join('\r\n')
}

function candidateLine({ type, priority, host, port }: SessionCandidate, at: number): string {
  const related = type === 'host' ? '' : ' raddr 0.0.0.0 rport 0'
  return `a=candidate:${at + 1} 1 UDP ${priority} ${host} ${port} typ ${type}${related}`
}

/** What cannot be read is left out, as RFC 8839 has it for what is not understood: none is as good as any other. */
function candidatesOf(values: readonly string[]): readonly SessionCandidate[] {
  const found = new Map<string, SessionCandidate>()
  for (const value of values) {
    const [, priority = '', address = '', port = '', type = ''] = CANDIDATE.exec(value) ?? []
    const host = tryIpAddress(address)
    if (host === undefined || refusedRangeOf(host) !== undefined || Number(priority) >= 2 ** 32) continue
    if (Number(port) < limits.peerPortMin || Number(port) > 65_535) continue
    const candidate = {
      type: type.toLowerCase() as SessionCandidate['type'],
      priority: Number(priority),
      host,
      port: Number(port),
    }
    found.set(`${host} ${candidate.port}`, candidate)
    if (found.size === limits.sdpCandidatesMax) break
  }
  return [...found.values()]
}

function messageBytesOf(text: string | undefined): number {
  if (text === undefined) return MESSAGE_BYTES_USUAL
  const said = whole(text, 0, Number.MAX_SAFE_INTEGER, 'max-message-size')
  if (said > 0 && said < 1_024) throw bad('max-message-size: too little for any message')
  return said === 0 ? MESSAGE_BYTES_MOST : Math.min(said, MESSAGE_BYTES_MOST)
}

function iceText(text: string | undefined, charsMin: number, name: string): string {
  if (text === undefined || text.length < charsMin || text.length > 256 || !ICE_CHARS.test(text))
    throw bad(`${name}: ${charsMin} to 256 letters and digits expected`)
  return text
}

function whole(text: string, min: number, max: number, name: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw bad(`${name}: a whole number from ${min} to ${max} expected`)
  return value
}

function matching(text: string, pattern: RegExp, name: string): string {
  if (pattern.test(text)) return text
  throw bad(`${name}: it cannot be read`)
}

const bad = (reason: string): ShoalError => new ShoalError('bad-input', `session description: ${reason}`)
