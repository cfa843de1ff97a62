/** One site as the origin feeds it: who is there, who brings pieces in, and how far ahead they may be shown. */
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { Millis } from '../../core/units.ts'
import { RateMeter } from '../rate-meter.ts'
import type { Host, RevealPeer } from './host.ts'

const BRIDGES = 2

export class SiteFeed<P extends RevealPeer> {
  readonly name: string
  /** In the order in which they came. */
  readonly hosts = new Set<Host<P>>()
  /** Pieces given to it and not yet seen anywhere but at the host that was given them. */
  unspread = 0
  /** Pieces ever given. */
  given = 0
  /** Bytes that are new to the site, from wherever they came. */
  readonly intake = new RateMeter()
  /** Everything that it lacks is on its way; until the next tick. */
  isSated = false
  readonly #copies: Uint16Array
  /** Pieces that some host here has told of. */
  #present = 0
  #seeds = 0

  constructor(name: string, pieces: number) {
    this.name = name
    this.#copies = new Uint16Array(pieces)
  }

  /** Hosts here that have it. */
  copiesOf(piece: PieceIndex): number {
    return (this.#copies[piece] ?? 0) + this.#seeds
  }

  /** Pieces that nobody here has. */
  get missing(): number {
    return this.#seeds > 0 ? 0 : this.#copies.length - this.#present
  }

  count(piece: PieceIndex, by: 1 | -1): void {
    const before = this.#copies[piece] ?? 0
    const after = Math.max(0, before + by)
    this.#copies[piece] = after
    this.#present += Math.sign(after) - Math.sign(before)
  }

  countSeed(by: 1 | -1): void {
    this.#seeds += by
  }

  /**
   * Who is shown what is new to the world: our own clients, and the bridges. Where nobody is named a bridge, or
   * none of them takes anything, the first two that do stand in.
   */
  get feeders(): readonly Host<P>[] {
    const lacking = [...this.hosts].filter((host) => !host.isDone)
    const able = lacking.filter((host) => !host.isSlack)
    const named = able.filter((host) => host.facts.isOurs || host.facts.isBridge === true)
    if (named.length > 0) return named
    return able.length > 0 ? able.slice(0, BRIDGES) : lacking
  }

  /** Of its feeders the one with the least open that was not shown the piece; among equals, whom we served last. */
  feederFor(piece: PieceIndex): Host<P> | undefined {
    return this.feeders
      .filter((host) => host.mayBeShown(piece))
      .toSorted((a, b) => a.openBytes - b.openBytes || b.askedAt - a.askedAt)[0]
  }

  /** Bytes a second that we send there. */
  rateBps(now: Millis): number {
    let sum = 0
    for (const host of this.hosts) sum += host.meter.rate(now)
    return sum
  }

  /** In seconds: what its hosts need at the most to see what they are shown. */
  reactionS(now: Millis): number {
    let most = 0
    for (const host of this.hosts) most = Math.max(most, host.reaction.at(now))
    return most / 1_000
  }

  get openBytes(): number {
    let sum = 0
    for (const host of this.hosts) sum += host.openBytes
    return sum
  }
}
