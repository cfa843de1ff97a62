/** What our own clients of one site tell each other, as it comes and goes; what follows from it is `site/site-work.ts`'s. */
import type { PieceLayout } from '../core/piece-layout.ts'
import { unreachable } from '../core/errors.ts'
import type { ExtensionName } from '../wire/extension.ts'
import {
  decodeFetch,
  decodeHello,
  decodeUnfetch,
  encodeFetch,
  encodeHello,
  encodeUnfetch,
} from '../wire/site-messages.ts'
import { isMate } from './mates.ts'
import type { Peer } from './peer.ts'
import { SiteWork, type SiteWord, TICK_EVERY } from './site/site-work.ts'
import type { SwarmState } from './swarm-state.ts'

export function makeSiteWork(s: SwarmState, layout: PieceLayout): SiteWork {
  const { clock, peerId } = s.shared
  return new SiteWork({
    clock,
    self: peerId,
    pieces: layout.count,
    pieceLength: layout.pieceLength,
    say: (word) => sayToAll(s, word),
    onBegan: () => keepGoing(s),
  })
}

/** Whether it is a member of our site may have changed: by its address, by what it speaks, by our phase. */
export function considerMember(s: SwarmState, peer: Peer): void {
  const { site } = s
  if (site === undefined) return
  const isMember = peer.source === 'site' && !peer.isClosed && isMate(peer)
  if (isMember === site.members.has(peer.id)) return
  if (isMember) site.members.came(peer.id)
  else site.memberLeft(peer.id)
  s.isHelloDue = true
  keepGoing(s)
}

function keepGoing(s: SwarmState): void {
  s.siteTimer ??= s.shared.clock.every(TICK_EVERY, () => s.post({ kind: 'site-due' }))
}

/** Nothing is left to be divided. */
export function endSiteWork(s: SwarmState): void {
  s.siteTimer?.cancel()
  s.siteTimer = undefined
  s.site = undefined
}

export function onSiteDue(s: SwarmState): void {
  const { site } = s
  if (site === undefined) return
  if (s.isHelloDue) sayHello(s, site)
  site.tick()
  for (const peer of s.peers.values()) s.loaded?.downloader?.divided.mindOffers(peer)
  // Ranks and leases run out by themselves; alone, nothing changes but by what peers say.
  if (!site.isAlone) s.needsFill = true
  if (!site.isQuiet) return
  s.siteTimer?.cancel()
  s.siteTimer = undefined
}

function sayHello(s: SwarmState, site: SiteWork): void {
  s.isHelloDue = false
  const { ids } = site.members
  for (const peer of [...s.peers.values()])
    if (site.members.has(peer.id)) send(peer, 'sh_hello', encodeHello(ids.filter((id) => id !== peer.id)))
}

/** @throws ShoalError for what no client of ours would say: the peer is hung up on. */
export function onHello(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  s.site?.members.told(peer.id, decodeHello(payload))
}

export function onFetch(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  const { piece: number, lease } = decodeFetch(payload)
  const { site, loaded } = s
  const piece = loaded?.layout.index(number)
  if (site === undefined || loaded?.downloader === undefined || piece === undefined) return
  if (!site.members.has(peer.id) || loaded.closed.has(piece)) return
  if (site.heard(piece, peer.id, lease, loaded.downloader.divided.shareOf(piece)))
    loaded.downloader.divided.leave(piece)
}

export function onUnfetch(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  const piece = s.loaded?.layout.index(decodeUnfetch(payload))
  if (piece !== undefined) s.site?.heardUnfetch(piece, peer.id)
}

function sayToAll(s: SwarmState, word: SiteWord): void {
  const [name, payload] = encodeWord(word)
  for (const peer of [...s.peers.values()])
    if (s.site?.members.has(peer.id) === true) send(peer, name, payload)
}

function encodeWord(word: SiteWord): [ExtensionName, Uint8Array] {
  switch (word.kind) {
    case 'fetch':
      return ['sh_fetch', encodeFetch(word)]
    case 'unfetch':
      return ['sh_unfetch', encodeUnfetch(word.piece)]
    default:
      return unreachable(word)
  }
}

function send(peer: Peer, name: ExtensionName, payload: Uint8Array): void {
  const id = peer.extensionId(name)
  if (id !== undefined) peer.send({ kind: 'extended', id, payload })
}
