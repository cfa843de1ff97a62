/**
 * Session descriptions (RFC 8866) as far as one who passes them on must look into them: their bounds, and the
 * addresses at which they say that their maker can be reached (RFC 8839, `a=candidate`).
 */
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

declare const checked: unique symbol
/** It begins as one, is of bounded length, and none of its characters is a control but tabs and line ends. */
export type Sdp = string & { readonly [checked]: 'Sdp' }

/** Where whoever gets the description will send datagrams to. */
export interface Candidate {
  /** An address, or a name that only one who reads it on the maker's network can look up (`….local`). */
  readonly host: string
  readonly port: number
}

const BEGINS = /^v=0\r?\n/
const CONTROL = /(?![\t\n\r])\p{Cc}|\r(?!\n)/u

/** @throws ShoalError `over-limit`, `bad-input`. */
export function sdpOf(text: string): Sdp {
  if (text.length > limits.signalSdpCharsMax)
    throw new ShoalError('over-limit', 'the session description is too long')
  if (!BEGINS.test(text) || CONTROL.test(text) || !text.isWellFormed())
    throw new ShoalError('bad-input', 'this is no session description')
  return text as Sdp
}

const CANDIDATE_LINE = /^a=candidate:([^\n]*)\n?/gm

/** Without the candidates that `isFit` refuses, and without those that cannot be read. */
export function withFitCandidates(sdp: Sdp, isFit: (candidate: Candidate) => boolean): Sdp {
  return sdp.replace(CANDIDATE_LINE, (line: string, value: string) => {
    // foundation, component, transport, priority, address, port, "typ", ...
    const [, , , , host = '', port = ''] = value.split(' ', 6)
    return /^\d{1,5}$/.test(port) && isFit({ host, port: Number(port) }) ? line : ''
  }) as Sdp
}

/** Browsers hide their addresses behind such names (mDNS), which only their own network can look up. */
export const MDNS_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local$/i
/** A machine has a few networks, each with a name of its own. */
const NAMED_MAX = 8

/**
 * With each candidate that has a name of the local network only once more, at the address where its maker is seen: the name means
 * nothing a router further on, and nothing at all where multicast is off. Which of its ports is at that address is for the other
 * side to try.
 */
export function withSeenAddress(sdp: Sdp, seen: string): Sdp {
  if (addressesIn(sdp).includes(seen)) return sdp
  let named = 0
  const more = sdp.replace(CANDIDATE_LINE, (line: string, value: string) => {
    const [, , transport = '', , host = ''] = value.split(' ', 6)
    if (!MDNS_NAME.test(host) || transport.toLowerCase() !== 'udp' || named >= NAMED_MAX) return line
    named++
    const whole = line.endsWith('\n') ? line : `${line}\r\n`
    return `${whole}${whole.replace(host, seen)}`
  })
  return more.length > limits.signalSdpCharsMax ? sdp : (more as Sdp)
}

/** The hosts of its candidates, once each, as they stand there. */
export function addressesIn(sdp: Sdp): string[] {
  const hosts = new Set<string>()
  for (const [, value = ''] of sdp.matchAll(CANDIDATE_LINE)) {
    const [, , , , host = ''] = value.split(' ', 5)
    if (host !== '') hosts.add(host)
  }
  return [...hosts]
}
