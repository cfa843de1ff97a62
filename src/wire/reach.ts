/**
 * `GET /reach?g=…&info_hash=…&port=N`, beyond BEP 3: whether the tracker can open a TCP connection to the asker's
 * own address at that port, as others of the swarm would. `shoal doctor` asks it.
 */
import { ipAddress, type IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashOfBytes } from '../core/ids.ts'
import { decodeTwentyBytes, grantOf, portOf, withQuery } from './announce.ts'
import { decodeBencode, dictOf, encodeBencode } from './bencode.ts'
import { asDict, bytesAt, displayText, intAt, present, textAt } from './bencode-read.ts'
import { limits } from './limits.ts'
import { oneOf, parseQuery, percentEncode } from './query.ts'

export interface ReachQuestion {
  readonly infoHash: InfoHash
  /** 1..65535. */
  readonly port: number
  readonly grant?: string
}

export interface ReachReply {
  readonly isReachable: boolean
  /** Where the tracker sees the asker. */
  readonly host: IpAddress
}

/** @throws ShoalError `bad-input` naming the parameter; `over-limit` for too long a query. */
export function parseReachQuery(rawQuery: string): ReachQuestion {
  const query = parseQuery(rawQuery)
  const hash = oneOf(query, 'info_hash')
  if (hash === undefined) throw new ShoalError('bad-input', 'info_hash is missing')
  const grant = grantOf(query)
  return {
    infoHash: infoHashOfBytes(decodeTwentyBytes(hash, 'info_hash')),
    port: portOf(oneOf(query, 'port')),
    ...(grant !== undefined && { grant }),
  }
}

/** From an announce URL, whose grant it keeps. Undefined when its path does not end in `announce`. */
export function reachUrl(announce: string, question: Omit<ReachQuestion, 'grant'>): string | undefined {
  const path = announce.split(/[?#]/, 1)[0] ?? ''
  if (!path.endsWith('/announce')) return undefined
  const at = path.length - 'announce'.length
  return withQuery(`${announce.slice(0, at)}reach${announce.slice(path.length)}`, [
    ['info_hash', percentEncode(bytesOf(question.infoHash))],
    ['port', question.port],
  ])
}

export function encodeReachReply({ host, isReachable }: ReachReply): Uint8Array {
  return encodeBencode(dictOf({ host, reachable: isReachable ? 1 : 0 }))
}

/** @throws ShoalError `bad-input`; `not-granted` with the tracker's sentence when it refused. */
export function parseReachReply(bytes: Uint8Array): ReachReply {
  if (bytes.length > limits.trackerReplyBytesMax)
    throw new ShoalError('over-limit', "the tracker's reply is too long")
  const dict = asDict(decodeBencode(bytes), 'reach')
  const reason = bytesAt(dict, 'failure reason', 'reach')
  if (reason !== undefined) throw new ShoalError('not-granted', displayText(reason, 400))
  const reachable = present(intAt(dict, 'reachable', 'reach'), 'reachable', 'reach')
  if (reachable !== 0 && reachable !== 1) throw new ShoalError('bad-input', 'reach: reachable is 0 or 1')
  return {
    isReachable: reachable === 1,
    host: ipAddress(present(textAt(dict, 'host', 'reach'), 'host', 'reach')),
  }
}
