/**
 * The browsers that are connected or about to be: how many, from where, and whether they may still be here. Bounds hold
 * before anything is spent: an offer beyond them is dropped, and its maker has colleagues and the server to turn to.
 */
import { type IpAddress, networkOf } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Site } from '../core/site.ts'
import { seconds, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Connection } from '../swarm/index.ts'
import type { Sdp } from '../wire/sdp.ts'
import { limits } from '../wire/limits.ts'
import type { PeerLink } from './peer-link.ts'

/** A link, as far as it matters here. */
export type Link = Pick<
  PeerLink,
  'infoHash' | 'peerId' | 'remote' | 'local' | 'isOpen' | 'description' | 'answered' | 'end'
> & { misses: number }

export interface LinkOn {
  readonly infoHash: InfoHash
  readonly onOpen: (link: Link, connection: Connection) => void
  readonly onEnd: (link: Link) => void
}

/** Makes links; both throw for what the library refuses. */
export interface LinkMaker {
  answering(on: LinkOn, from: PeerId, offer: Sdp): Link
  offering(on: LinkOn): Link
}

export interface LinksParts {
  readonly clock: Clock
  readonly make: LinkMaker
  readonly siteOf: (host: IpAddress) => Site
  /** To the engine. */
  readonly onConnection: (connection: Connection) => void
}

/** A tracker that begins anew, and a page whose socket broke, are given time to find each other. */
const MISSES_MAX = 2
/** Beyond the bound, until it is known where they are. */
const SPARE = 8
const PATIENCE = seconds(3)

export class Links {
  /** Offers dropped, connections refused or ended by us. */
  refused = 0
  readonly #parts: LinksParts
  readonly #peersMax: number
  /** Each with when it began, the oldest first. */
  readonly #links = new Map<Link, Millis>()

  constructor(parts: LinksParts, options: { readonly peersMax: number }) {
    this.#parts = parts
    this.#peersMax = options.peersMax
  }

  /** How many are open, of one release. */
  countOf(infoHash: InfoHash): number {
    return this.#open().filter((link) => link.infoHash === infoHash).length
  }

  /** The browsers of a release whom the tracker is to be asked about. */
  peerIdsOf(infoHash: InfoHash): PeerId[] {
    return this.#of(infoHash).flatMap(({ peerId }) => peerId ?? [])
  }

  /** Undefined when there is no room for it. @throws ShoalError `bad-input` for a description that is none. */
  answer(infoHash: InfoHash, from: PeerId, offer: Sdp): Link | undefined {
    const ofPeer = this.#of(infoHash).filter(({ peerId }) => peerId === from).length
    if (!this.#hasRoom() || ofPeer >= limits.gatewayLinksPerPeerMax) {
      this.refused++
      return undefined
    }
    return this.#add(this.#parts.make.answering(this.#on(infoHash), from, offer))
  }

  /** Undefined when there is no room for it. */
  offer(infoHash: InfoHash): Link | undefined {
    return this.#hasRoom() ? this.#add(this.#parts.make.offering(this.#on(infoHash))) : undefined
  }

  /** The tracker knows these no more: who was told so twice leaves. */
  gone(infoHash: InfoHash, asked: readonly PeerId[], gone: readonly PeerId[]): void {
    const isGone = new Set(gone)
    const wasAsked = new Set(asked)
    for (const link of this.#of(infoHash)) {
      if (link.peerId === undefined || !wasAsked.has(link.peerId)) continue
      link.misses = isGone.has(link.peerId) ? link.misses + 1 : 0
      if (link.misses >= MISSES_MAX) link.end('the tracker knows it no more')
    }
  }

  endAll(infoHash?: InfoHash): void {
    for (const link of [...this.#links.keys()])
      if (infoHash === undefined || link.infoHash === infoHash) link.end('the release is served no more')
  }

  #hasRoom(): boolean {
    if (this.#open().length >= this.#peersMax + SPARE) return false
    const opening = [...this.#links].filter(([{ isOpen }]) => !isOpen)
    if (opening.length < limits.gatewayNegotiationsMax) return true
    // Who means it needs a second: whoever makes offers and does nothing more keeps others waiting no longer than this.
    const [oldest, since] = opening[0] ?? []
    if (oldest === undefined || since === undefined || this.#parts.clock.now() - since < PATIENCE)
      return false
    this.refused++
    oldest.end('another waits for its place')
    return true
  }

  #add(link: Link): Link {
    this.#links.set(link, this.#parts.clock.now())
    return link
  }

  #on(infoHash: InfoHash): LinkOn {
    return {
      infoHash,
      onOpen: (link, connection) => {
        if (this.#mayStay(link)) this.#parts.onConnection(connection)
        else {
          this.refused++
          link.end('there is no room')
        }
      },
      onEnd: (link) => this.#links.delete(link),
    }
  }

  /** Its address is known only now. */
  #mayStay(link: Link): boolean {
    const host = link.remote?.host
    if (host === undefined) return false
    const network = networkOf(host)
    const fromThere = this.#open().filter(
      (one) => one.remote !== undefined && networkOf(one.remote.host) === network,
    )
    if (fromThere.length > limits.gatewayLinksPerAddressMax) return false
    if (this.#open().length <= this.#peersMax) return true
    if (!this.#isNear(link)) return false
    const far = this.#open().findLast((one) => one !== link && !this.#isNear(one))
    far?.end('one of the own site takes its place')
    if (far !== undefined) this.refused++
    return far !== undefined
  }

  /** At the site of the address of ours that it reaches. */
  #isNear({ remote, local }: Link): boolean {
    if (remote === undefined || local === undefined) return false
    const { siteOf } = this.#parts
    return siteOf(remote.host).name === siteOf(local).name
  }

  #open(): Link[] {
    return [...this.#links.keys()].filter(({ isOpen }) => isOpen)
  }

  #of(infoHash: InfoHash): Link[] {
    return [...this.#links.keys()].filter((link) => link.infoHash === infoHash)
  }
}
