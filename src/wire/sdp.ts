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

/** The hosts of its candidates, once each, as they stand there. */
export function addressesIn(sdp: Sdp): string[] {
  const hosts = new Set<string>()
  for (const [, value = ''] of sdp.matchAll(CANDIDATE_LINE)) {
    const [, , , , host = ''] = value.split(' ', 5)
    if (host !== '') hosts.add(host)
  }
  return [...hosts]
}
