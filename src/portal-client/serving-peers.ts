/** Which origins and mirrors keep which releases: asked by release at each announce, told by peer. */
import { sameEndpoint } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { ServingPeer } from './control-view.ts'

interface Entry {
  readonly peer: ServingPeer
  readonly infoHashes: Set<InfoHash>
}

export class ServingPeers {
  readonly #byPeer = new Map<PeerId, Entry>()
  readonly #byRelease = new Map<InfoHash, Map<PeerId, ServingPeer>>()
  #entries = 0

  /** Peers, and releases of peers: what memory goes by. */
  get entries(): number {
    return this.#byPeer.size + this.#entries
  }

  /** Origins first; within a role in the order they came. */
  of(infoHash: InfoHash): readonly ServingPeer[] {
    const peers = this.#byRelease.get(infoHash)
    return peers === undefined ? [] : [...peers.values()].toSorted((a, b) => rank(a) - rank(b))
  }

  /** Adds to what the peer served before; a new address or role counts for all that it serves. */
  add(said: ServingPeer, infoHashes: readonly InfoHash[]): void {
    const entry = this.#entryOf(said)
    for (const infoHash of infoHashes) {
      if (entry.infoHashes.has(infoHash)) continue
      entry.infoHashes.add(infoHash)
      this.#entries++
      this.#list(infoHash, entry.peer)
    }
    if (entry.infoHashes.size === 0) this.#byPeer.delete(said.peerId)
  }

  /** Without a list: everything that the peer served. Harmless for what it did not serve. */
  remove(peerId: PeerId, infoHashes?: readonly InfoHash[]): void {
    const entry = this.#byPeer.get(peerId)
    if (entry === undefined) return
    for (const infoHash of infoHashes ?? [...entry.infoHashes]) {
      if (!entry.infoHashes.delete(infoHash)) continue
      this.#entries--
      const peers = this.#byRelease.get(infoHash)
      peers?.delete(peerId)
      if (peers?.size === 0) this.#byRelease.delete(infoHash)
    }
    if (entry.infoHashes.size === 0) this.#byPeer.delete(peerId)
  }

  /** The peer's entry; made, or moved to where the peer now is. */
  #entryOf(said: ServingPeer): Entry {
    const old = this.#byPeer.get(said.peerId)
    if (old !== undefined && old.peer.role === said.role && sameEndpoint(old.peer, said)) return old
    const peer: ServingPeer = { peerId: said.peerId, role: said.role, host: said.host, port: said.port }
    const entry: Entry = { peer, infoHashes: old?.infoHashes ?? new Set() }
    this.#byPeer.set(said.peerId, entry)
    for (const infoHash of entry.infoHashes) this.#list(infoHash, peer)
    return entry
  }

  #list(infoHash: InfoHash, peer: ServingPeer): void {
    const peers = this.#byRelease.get(infoHash) ?? new Map<PeerId, ServingPeer>()
    this.#byRelease.set(infoHash, peers.set(peer.peerId, peer))
  }
}

const rank = (peer: ServingPeer): number => (peer.role === 'origin' ? 0 : 1)
