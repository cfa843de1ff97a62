/** The peers of a tracker's reply, in either of their forms, with the flags that our tracker adds. */
import { type Endpoint, tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { type PeerId, peerIdOfBytes } from '../core/ids.ts'
import type { BencodeDict, BencodeValue } from './bencode.ts'
import { asBytes, asDict, asList, bytesAt, intAt } from './bencode-read.ts'
import { decodeCompact, hasPort } from './compact-peers.ts'

/** What our tracker says of a peer. */
export interface PeerFlags {
  readonly isOrigin: boolean
  readonly isMirror: boolean
  readonly isOurs: boolean
}

interface Peer extends Endpoint {
  readonly peerId?: PeerId
  readonly flags?: PeerFlags
}

const ORIGIN = 1
const MIRROR = 2
const OURS = 4

export function flagsByte(flags: PeerFlags | undefined): number {
  if (flags === undefined) return 0
  return (flags.isOrigin ? ORIGIN : 0) | (flags.isMirror ? MIRROR : 0) | (flags.isOurs ? OURS : 0)
}

/** `peers` (BEP 3 or 23), then `peers6` (BEP 7), with `sh peers`: one byte each in that order. */
export function parsePeers(reply: BencodeDict): Peer[] {
  const first = reply.get('peers')
  const listed: (Peer | undefined)[] = [
    ...(first === undefined
      ? []
      : first instanceof Uint8Array
        ? decodeCompact(first, 'v4')
        : peerList(first)),
    ...decodeCompact(bytesAt(reply, 'peers6', 'reply') ?? new Uint8Array(), 'v6'),
  ]
  const flags = bytesAt(reply, 'sh peers', 'reply')
  if (flags !== undefined && flags.length !== listed.length)
    throw new ShoalError('bad-input', 'reply: "sh peers" does not have a byte a peer')
  return listed.flatMap((peer, i) => {
    if (peer === undefined || !hasPort(peer)) return []
    const byte = flags?.[i]
    return byte === undefined ? [peer] : [{ ...peer, flags: flagsOf(byte) }]
  })
}

function flagsOf(byte: number): PeerFlags {
  return { isOrigin: (byte & ORIGIN) !== 0, isMirror: (byte & MIRROR) !== 0, isOurs: (byte & OURS) !== 0 }
}

function peerList(value: BencodeValue): (Peer | undefined)[] {
  return asList(value, 'reply: "peers"').map((item) => {
    const dict = asDict(item, 'reply: "peers"')
    const host = tryIpAddress(Buffer.from(bytesAt(dict, 'ip', 'peer') ?? []).toString('latin1'))
    const port = intAt(dict, 'port', 'peer')
    const id = dict.get('peer id')
    if (port === undefined || port < 0 || port > 65_535)
      throw new ShoalError('bad-input', 'peer: "port": a port expected')
    if (host === undefined) return undefined
    return { host, port, ...(id !== undefined && { peerId: peerIdOfBytes(asBytes(id, 'peer: "peer id"')) }) }
  })
}
