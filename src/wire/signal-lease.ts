/**
 * Who serves browsers asks the tracker, over its own socket, whether those it met there are still in the swarm: a
 * browser whose grant was revoked is not. Not part of WebTorrent: only our gateway asks, and only of the swarm that it
 * is in itself, by the peer ids that the tracker named to it.
 */
import { ShoalError } from '../core/errors.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import { limits } from './limits.ts'
import { binaryOf, infoHashOf, type Json, parseJson, peerIdOf, recordOf } from './signal.ts'

export interface SignalLeases {
  readonly kind: 'leases'
  readonly infoHash: InfoHash
  /** At most `limits.leasePeersMax`. */
  readonly peerIds: readonly PeerId[]
}

export interface SignalLeasesReply {
  readonly infoHash: InfoHash
  /** Those of the question whom the tracker does not know, or knows no more. */
  readonly gone: readonly PeerId[]
}

/** Of a message with the action "leases". @throws ShoalError `bad-input`, `over-limit`. */
export function signalLeasesOf(message: Json): SignalLeases {
  return {
    kind: 'leases',
    infoHash: infoHashOf(message['info_hash']),
    peerIds: peerIdsOf(message['peer_ids'], 'peer_ids'),
  }
}

export function formatSignalLeases({ infoHash, peerIds }: Omit<SignalLeases, 'kind'>): string {
  return JSON.stringify({
    action: 'leases',
    info_hash: binaryOf(infoHash),
    peer_ids: peerIds.map(binaryOf),
  })
}

export function formatSignalLeasesReply({ infoHash, gone }: SignalLeasesReply): string {
  return JSON.stringify({ action: 'leases', info_hash: binaryOf(infoHash), gone: gone.map(binaryOf) })
}

/** Undefined for any other reply. @throws ShoalError `bad-input`, `over-limit`. */
export function parseSignalLeasesReply(text: string): SignalLeasesReply | undefined {
  const message = recordOf(parseJson(text), 'the reply')
  if (message['action'] !== 'leases') return undefined
  return { infoHash: infoHashOf(message['info_hash']), gone: peerIdsOf(message['gone'], 'gone') }
}

function peerIdsOf(value: unknown, name: string): readonly PeerId[] {
  if (!Array.isArray(value)) throw new ShoalError('bad-input', `${name}: a list expected`)
  if (value.length > limits.leasePeersMax)
    throw new ShoalError('over-limit', `at most ${limits.leasePeersMax} peers in one question`)
  return value.map((item) => peerIdOf(item, name))
}
