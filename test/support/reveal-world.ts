/**
 * An origin's plan among simulated peers, in steps of a tenth of a second: what is shown may be asked of the origin,
 * within its uplink; what one peer of a site has, the others take from it over the LAN; bridges of sites take from
 * each other. Peers of several characters, so that a plan can be tried on the bad ones as well.
 */
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { PieceLayout } from '../../src/core/piece-layout.ts'
import { type Random, seededRandom, shuffled } from '../../src/core/random.ts'
import { KiB, type Millis, millis } from '../../src/core/units.ts'
import { PeerPieces } from '../../src/swarm/peer-pieces.ts'
import type { RevealPeer } from '../../src/swarm/reveal/host.ts'
import { RevealPlan } from '../../src/swarm/reveal/reveal-plan.ts'

/**
 * `silent` says nothing of HAVE. `miser` gives nothing to others. `liar` claims all that it is shown, takes nothing
 * and gives nothing. `poser` claims as soon as it can to have everything, and gives nothing. `idler` is interested and takes nothing. `picky` wants one piece in ten.
 * `sluggish` sees every ten seconds only what there is, as Transmission does, and asks for all of it.
 */
export type Character = 'honest' | 'silent' | 'miser' | 'liar' | 'poser' | 'idler' | 'picky' | 'sluggish'

export interface WorldOptions {
  readonly pieces: number
  readonly seed: number
  /** Pieces that the origin sends in a step, and that each peer takes from its site. */
  readonly originPieces?: number
  readonly lanPieces?: number
  /** False: everything is shown to everybody. */
  readonly isRevealing?: boolean
}

const STEP = millis(100)
const STEPS_A_SECOND = 10
const STEPS_OF_SLUGGISH = 100
const PIECE_BYTES = 256 * KiB

export class SimulatedHost implements RevealPeer {
  readonly name: string
  readonly site: string
  readonly character: Character
  readonly has: PeerPieces
  readonly seen = new Set<PieceIndex>()
  readonly up = { queue: [] as PieceIndex[] }
  readonly connection = { queuedBytes: 0 }
  isChoked = false
  finishedAt: Millis | undefined
  /** Pieces that it really has. */
  readonly held = new Set<PieceIndex>()
  readonly wanted: readonly PieceIndex[]

  constructor(name: string, site: string, character: Character, pieces: number) {
    this.name = name
    this.site = site
    this.character = character
    this.has = new PeerPieces(pieces)
    const every = Array.from({ length: pieces }, (_, i) => i as PieceIndex)
    this.wanted = character === 'picky' ? every.filter((piece) => piece % 10 === 3) : every
  }

  get isInterested(): boolean {
    if (this.character === 'liar' || this.character === 'poser') return false
    for (const piece of this.seen) if (!this.held.has(piece) && this.wants(piece)) return true
    return false
  }

  get isFinished(): boolean {
    return this.wanted.every((piece) => this.held.has(piece))
  }

  get givesToOthers(): boolean {
    return ['honest', 'picky', 'sluggish'].includes(this.character)
  }

  wants(piece: PieceIndex): boolean {
    return this.character !== 'picky' || piece % 10 === 3
  }
}

export class RevealWorld {
  readonly plan: RevealPlan<SimulatedHost>
  readonly hosts = new Set<SimulatedHost>()
  now = millis(0)
  /** Pieces that left the origin. */
  sent = 0
  /** HAVEs said to peers that had the piece or had heard it. */
  repeated = 0
  readonly #options: WorldOptions
  readonly #random: Random
  #steps = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.plan = new RevealPlan(
      new PieceLayout(options.pieces * PIECE_BYTES, PIECE_BYTES),
      seededRandom(options.seed + 1),
    )
  }

  join(name: string, site: string, character: Character = 'honest', isBridge?: boolean): SimulatedHost {
    const host = new SimulatedHost(name, site, character, this.#options.pieces)
    this.hosts.add(host)
    this.plan.joined(host, { site, isBridge, isOurs: false }, this.now)
    if (character === 'poser') {
      this.#show() // it says what it has after the handshake
      host.has.setAll()
      this.plan.toldPieces(host, this.now)
    }
    if (this.#options.isRevealing === false)
      for (let piece = 0; piece < this.#options.pieces; piece++) host.seen.add(piece as PieceIndex)
    return host
  }

  leave(host: SimulatedHost): void {
    this.hosts.delete(host)
    this.plan.left(host)
  }

  /** False when `isTrue` has not come true after so many seconds. */
  until(isTrue: () => boolean, atMostS: number, onSecond: () => void = () => undefined): boolean {
    for (let i = 0; i < atMostS * STEPS_A_SECOND; i++) {
      if (isTrue()) return true
      this.#step()
      if (this.#steps % STEPS_A_SECOND === 0) onSecond()
    }
    return isTrue()
  }

  #step(): void {
    this.#steps++
    this.now = millis(this.now + STEP)
    if (this.#steps % STEPS_A_SECOND === 0) this.plan.tick(this.now)
    this.#show()
    const isTimeToLook = this.#steps % STEPS_OF_SLUGGISH === 0
    for (const host of this.hosts) if (isTimeToLook || host.character !== 'sluggish') this.#ask(host)
    this.#serve()
    this.#shareOut()
    this.#show()
  }

  #show(): void {
    if (this.#options.isRevealing === false) return
    for (const { peer, piece } of this.plan.next(this.now)) {
      if (peer.seen.has(piece) || peer.has.has(piece)) this.repeated++
      peer.seen.add(piece)
      if (peer.character === 'liar') this.#tell(peer, piece)
    }
  }

  /** As stock clients do: up to so many requests, at random among what it sees. */
  #ask(host: SimulatedHost): void {
    if (takesNothing(host) || !this.plan.isFed(host)) {
      if (this.#options.isRevealing !== false) return
    }
    for (const piece of shuffled([...host.seen], this.#random)) {
      if (host.up.queue.length >= 8 && host.character !== 'sluggish') return
      if (host.held.has(piece) || host.up.queue.includes(piece) || !host.wants(piece)) continue
      host.up.queue.push(piece)
      this.plan.asked(host, piece, this.now)
    }
  }

  /** The uplink, shared by turns. */
  #serve(): void {
    let left = this.#options.originPieces ?? 2
    for (let isBusy = true; isBusy && left > 0;) {
      isBusy = false
      for (const host of shuffled([...this.hosts], this.#random)) {
        const piece = left > 0 ? host.up.queue.shift() : undefined
        if (piece === undefined) continue
        isBusy = true
        left--
        this.sent++
        this.plan.sent(host, piece, PIECE_BYTES, this.now)
        this.#take(host, piece)
      }
    }
  }

  #shareOut(): void {
    const hosts = shuffled([...this.hosts], this.#random)
    for (const host of hosts) {
      if (takesNothing(host)) continue
      let room = this.#options.lanPieces ?? 8
      for (const mate of hosts) {
        if (mate === host || mate.site !== host.site || !mate.givesToOthers) continue
        for (const piece of mate.held) {
          if (room === 0) break
          if (host.held.has(piece) || !host.wants(piece)) continue
          room--
          this.#take(host, piece)
        }
      }
    }
  }

  #take(host: SimulatedHost, piece: PieceIndex): void {
    host.held.add(piece)
    host.up.queue = host.up.queue.filter((other) => other !== piece)
    if (host.isFinished) host.finishedAt ??= this.now
    if (host.character !== 'silent') this.#tell(host, piece)
  }

  #tell(host: SimulatedHost, piece: PieceIndex): void {
    if (host.has.has(piece)) return
    host.has.add(piece)
    this.plan.got(host, piece, this.now)
  }
}

export const takesNothing = ({ character }: SimulatedHost): boolean =>
  character === 'liar' || character === 'poser' || character === 'idler'
