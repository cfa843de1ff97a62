/**
 * What happens to a message of a browser: announce, answer or scrape, after the same checks as over HTTP (grant,
 * address, addresses a grant). Two rules are its own. A socket speaks for one peer, and no two sockets for the
 * same: so nobody stops, replaces or impersonates another. And what a peer sends reaches another only as an
 * offer that we handed out, or as the answer to one.
 */
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { ControlEvent } from '../wire/control.ts'
import { limits } from '../wire/limits.ts'
import { withFitCandidates, withSeenAddress } from '../wire/sdp.ts'
import type { Offer, SignalAnnounce, SignalAnswer, SignalMessage, SignalScrape } from '../wire/signal.ts'
import { formatSignalLeasesReply, type SignalLeases } from '../wire/signal-lease.ts'
import { formatIntroduction, formatSignalReply, formatSignalScrape } from '../wire/signal-reply.ts'
import { isFitCandidate } from './fit-candidate.ts'
import type { AddressFacts } from './address-book.ts'
import type { AnnounceParts } from './announce-hooks.ts'
import { Farewells } from './farewells.ts'
import { refusals, type Refusal, type RefusalKind } from './refusals.ts'
import type { SignalSession } from './signal-session.ts'
import { reachOf, type SignalPeer, type SignalSwarms, type Standing } from './signal-swarms.ts'
import type { SwarmCounts } from './swarm-store.ts'
import { HARMLESS, type Answer, type TrackerCore } from './tracker-core.ts'
import { refusalOfGrant, withdrawalOf, type VerifiedGrant } from './verified-grant.ts'

export interface SignalCoreParts extends AnnounceParts {
  readonly core: TrackerCore
  readonly swarms: SignalSwarms<SignalSession>
  /** By number. */
  readonly sessions: ReadonlyMap<number, SignalSession>
}

/** For metrics and tests. Counters run since the start. */
export interface SignalStats {
  /** WebSockets that are open. */
  readonly sockets: number
  /** Browsers in all swarms together. */
  readonly browserPeers: number
  readonly offersPassedOn: number
  readonly answersPassedOn: number
}

/** After these a socket may stay: its grant may be good for what it asks next. */
const LETS_STAY: ReadonlySet<RefusalKind> = new Set([
  'bad-request',
  'not-ready',
  'other-release',
  'peer-id-refused',
])

/** To somebody who has left the swarm and does not know it yet. */
interface Farewell {
  readonly socket: SignalSession
  readonly infoHash: InfoHash
  readonly refusal: Refusal
}

export class SignalCore {
  readonly #parts: SignalCoreParts
  readonly #farewells: Farewells<Farewell>
  #offersPassedOn = 0
  #answersPassedOn = 0

  constructor(parts: SignalCoreParts) {
    this.#parts = parts
    const say = ({ socket, infoHash, refusal }: Farewell): void => {
      this.#refuse('announce', refusal, socket, infoHash)
    }
    this.#farewells = new Farewells({ clock: parts.clock, say })
  }

  /** Resolves when it has been answered; at once when the grant is known. */
  receive(message: SignalMessage, session: SignalSession): void | Promise<void> {
    switch (message.kind) {
      case 'announce':
        return this.#announce(message, session)
      case 'answer': {
        this.#passAnswer(message, session)
        return undefined
      }
      case 'scrape':
        return this.#scrape(message, session)
      case 'leases': {
        this.#tellLeases(message, session)
        return undefined
      }
    }
  }

  /** The session speaks for nobody from now on: it said `stopped`, was closed, or its time is over. */
  leave(session: SignalSession): void {
    const { peer } = session
    if (peer === undefined) return
    session.peer = undefined
    this.#parts.swarms.leave(peer)
    this.#parts.uses.stopped(peer.grant.claims.id, peer.host, session.number)
  }

  /** To be called now and then: ends what is over. False when the session has been closed for it. */
  inspect(session: SignalSession): boolean {
    const { peer } = session
    if (peer === undefined) return true
    const { clock, control, settings } = this.#parts
    peer.offersOut.forgetOld(clock.now())
    if (peer.expiresAt > clock.now()) return true
    this.leave(session)
    const at = { now: clock.epoch(), control, portalUrl: settings.portalUrl }
    const refusal = refusalOfGrant(peer.grant, { infoHash: peer.infoHash, purpose: 'join' }, at)
    if (refusal === undefined) return true
    this.#refuse('announce', this.#parts.core.refuse(refusal), session, peer.infoHash)
    return false
  }

  /** Who may no longer be in a swarm leaves it now, and is told why, soon, where they are many. */
  onControl(events: readonly ControlEvent[]): void {
    if (events.every((event) => HARMLESS.has(event.kind))) return
    const { control, core, swarms } = this.#parts
    const farewells: Farewell[] = []
    for (const { grant, infoHash, socket } of swarms.peers()) {
      const said = withdrawalOf(grant, control)
      if (said === undefined) continue
      this.leave(socket)
      farewells.push({ socket, infoHash, refusal: core.refuse(refusals.grantWithdrawn(said)) })
    }
    this.#farewells.add(farewells)
  }

  stats(): SignalStats {
    return {
      sockets: this.#parts.sessions.size,
      browserPeers: this.#parts.swarms.peerCount,
      offersPassedOn: this.#offersPassedOn,
      answersPassedOn: this.#answersPassedOn,
    }
  }

  #announce(message: SignalAnnounce, session: SignalSession): void | Promise<void> {
    return this.#asked('announce', message.infoHash, session, (from, grant) => {
      const refusal = this.#refusalOf(message, session, from, grant)
      if (refusal === undefined) this.#admit(message, session, from, grant)
      return refusal
    })
  }

  #scrape({ infoHashes }: SignalScrape, session: SignalSession): void | Promise<void> {
    const [infoHash] = infoHashes
    if (infoHash === undefined) return undefined
    return this.#asked('scrape', infoHash, session, () => {
      if (infoHashes.length > 1) return refusals.otherRelease
      session.send(formatSignalScrape(new Map([[infoHash, this.#counts(infoHash)]])))
      return undefined
    })
  }

  /**
   * The grant check, and then `go`, which does all that is to be done or refuses: several messages may have waited
   * for one check, and none may find the world otherwise than the one before has left it.
   */
  #asked(
    action: 'announce' | 'scrape',
    infoHash: InfoHash,
    session: SignalSession,
    go: (from: AddressFacts, grant: VerifiedGrant) => Refusal | undefined,
  ): void | Promise<void> {
    const { addresses, core } = this.#parts
    const from = addresses.lookUp(session.host)
    if (from === undefined) return undefined
    const settle = (answer: Answer<undefined>): void => {
      if ('refusal' in answer) this.#refuse(action, answer.refusal, session, infoHash)
    }
    const asked = core.admit(action, { token: session.token, infoHash, from }, (grant) => {
      const refusal = session.isOpen ? go(from, grant) : undefined
      return refusal === undefined ? { reply: undefined } : { refusal }
    })
    if (asked instanceof Promise) return asked.then(settle)
    settle(asked)
    return undefined
  }

  #refuse(action: 'announce' | 'scrape', refusal: Refusal, session: SignalSession, infoHash: InfoHash): void {
    session.refuse(action, refusal, infoHash)
    if (!LETS_STAY.has(refusal.kind)) session.close()
  }

  /** Changes nothing but which addresses count for the grant. */
  #refusalOf(
    { peerId, event, infoHash }: SignalAnnounce,
    session: SignalSession,
    from: AddressFacts,
    grant: VerifiedGrant,
  ): Refusal | undefined {
    const { control, sessions, settings, sharing, swarms, uses } = this.#parts
    if (!from.isListable) return refusals.addressRefused(from.host)
    if (session.peerId !== undefined && session.peerId !== peerId) return refusals.peerIdRefused
    const holder = swarms.find(infoHash, peerId)
    if (holder !== undefined && holder.socket !== session && !isSuccessor(grant, from, holder))
      return refusals.peerIdRefused
    if (event === 'stopped') return undefined
    const { id } = grant.claims
    const addressesMax = control.peersMaxOf(id)
    const use = uses.admit(id, from.host, session.number, addressesMax)
    if (use.kind === 'too-many-addresses') {
      sharing.note(id, { addresses: addressesMax, isFull: true })
      return refusals.tooManyAddresses(addressesMax, settings.portalUrl)
    }
    sharing.note(id, { addresses: use.addresses, isFull: false })
    if (use.portForgotten !== undefined) sessions.get(use.portForgotten)?.close()
    return undefined
  }

  #admit(message: SignalAnnounce, session: SignalSession, from: AddressFacts, grant: VerifiedGrant): void {
    const { infoHash, peerId, event } = message
    const { settings, swarms } = this.#parts
    session.peerId = peerId
    if (event === 'stopped') this.leave(session)
    else {
      this.#seat(message, session, from, grant)
      if (event === 'completed') swarms.addCompleted(infoHash)
    }
    const { complete, incomplete } = this.#counts(infoHash)
    session.send(
      formatSignalReply({ infoHash, intervalMs: settings.browserIntervalMs, complete, incomplete }),
    )
    if (session.peer !== undefined) this.#handOut(message, session.peer)
  }

  #seat(message: SignalAnnounce, session: SignalSession, from: AddressFacts, grant: VerifiedGrant): void {
    const { clock, settings, swarms } = this.#parts
    const { infoHash, peerId } = message
    const lease = 2 * settings.browserIntervalMs + settings.leaseSlackMs
    const left = grant.claims.expiresAt + limits.clockLeeway - clock.epoch()
    const standing: Standing = {
      site: from.site.name,
      reach: reachOf(from.site),
      isSeed: message.leftBytes === 0,
      expiresAt: clock.now() + Math.min(lease, left),
    }
    if (session.peer !== undefined) {
      swarms.renew(session.peer, standing)
      return
    }
    swarms.find(infoHash, peerId)?.socket.close() // the connection that this one is the successor of
    session.peer = swarms.join({ infoHash, peerId, host: from.host, grant, socket: session }, standing)
  }

  #handOut({ offers, numWant = offers.length }: SignalAnnounce, peer: SignalPeer<SignalSession>): void {
    const { clock, swarms } = this.#parts
    const chosen = swarms.peersToMeet(peer, Math.min(numWant, offers.length))
    for (const [i, other] of chosen.entries()) {
      const offer = offers[i]
      if (offer === undefined || !other.socket.send(this.#introduction('offer', peer, offer))) continue
      peer.offersOut.add(offer.offerId, other, clock.now())
      this.#offersPassedOn++
    }
  }

  /** An answer that nobody waits for is late, or false: it is dropped without a word, as other trackers do. */
  #passAnswer(answer: SignalAnswer, session: SignalSession): void {
    const { clock, swarms } = this.#parts
    const { peer } = session
    if (peer === undefined || peer.expiresAt <= clock.now()) return
    if (answer.infoHash !== peer.infoHash || answer.peerId !== peer.peerId) return
    const to = swarms.find(peer.infoHash, answer.toPeerId)
    if (to?.offersOut.take(answer.offerId, peer, clock.now()) !== true) return
    if (to.socket.send(this.#introduction('answer', peer, answer))) this.#answersPassedOn++
  }

  /** For who serves, of its own swarm: to anybody else, and where the grant is over, nothing is said. */
  #tellLeases({ infoHash, peerIds }: SignalLeases, session: SignalSession): void {
    const { clock, swarms } = this.#parts
    const { peer } = session
    if (peer?.infoHash !== infoHash || peer.expiresAt <= clock.now()) return
    const isHere = (id: PeerId): boolean => (swarms.find(infoHash, id)?.expiresAt ?? 0) > clock.now()
    session.send(formatSignalLeasesReply({ infoHash, gone: peerIds.filter((id) => !isHere(id)) }))
  }

  #introduction(type: 'offer' | 'answer', from: SignalPeer<SignalSession>, said: Offer): string {
    const allowed = this.#parts.settings.allowedRanges
    const seen = withSeenAddress(said.sdp, from.host)
    const sdp = withFitCandidates(seen, (candidate) => isFitCandidate(candidate, from.host, allowed))
    return formatIntroduction(type, from, { offerId: said.offerId, sdp })
  }

  /** Everybody in the swarm, whatever they speak. */
  #counts(infoHash: InfoHash): SwarmCounts {
    const browsers = this.#parts.swarms.counts(infoHash)
    const others = this.#parts.store.counts(infoHash)
    return {
      complete: browsers.complete + others.complete,
      incomplete: browsers.incomplete + others.incomplete,
      downloaded: browsers.downloaded + others.downloaded,
    }
  }
}

/** The same holder in the same place: it has come back before its former connection was found dead. */
function isSuccessor(grant: VerifiedGrant, from: AddressFacts, holder: SignalPeer<unknown>): boolean {
  return holder.grant.claims.id === grant.claims.id && holder.host === from.host
}
