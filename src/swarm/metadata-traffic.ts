/** The metadata fetch of one torrent, tied to its state. */
import { encodeMetadataMessage } from '../wire/extension.ts'
import { MetadataFetch } from './metadata-fetch.ts'
import type { SwarmState } from './swarm-state.ts'
import { punish } from './traffic-parts.ts'

export function startMetadata(s: SwarmState): void {
  s.metadata = new MetadataFetch({
    infoHash: s.spec.infoHash,
    now: () => s.shared.clock.now(),
    ask(peer, piece) {
      const id = peer.extensionId('ut_metadata')
      if (id === undefined) return
      peer.send({ kind: 'extended', id, payload: encodeMetadataMessage({ kind: 'request', piece }) })
    },
    onFetched: (infoBytes) => s.post({ kind: 'metadata-fetched', infoBytes }),
    onSpoiled(peer) {
      punish(s, [peer.address])
      peer.close()
    },
  })
}
