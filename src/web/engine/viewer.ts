/**
 * One who watches: takes what the player needs from colleagues and the server, verifies it, gives it to the player and passes it
 * on. Everything that can happen to it is a method here; what is fetched from whom is `fetching.ts`, who gets what `uploads.ts`.
 */
import { Bitfield } from '../../core/bitfield.ts'
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { Random } from '../../core/random.ts'
import { millis, type Millis } from '../../core/units.ts'
import type { BlockRange } from '../../wire/peer-message.ts'
import type { Channel, EngineClock } from './channel.ts'
import { Company } from './company.ts'
import { Exchange, type Exchanged } from './exchange.ts'
import { Fetching } from './fetching.ts'
import { Tally, type Figures } from './figures.ts'
import { Judging } from './judging.ts'
import type { PieceStore } from './piece-store.ts'
import { isCriticalAt } from './plan.ts'
import { Reading } from './reading.ts'
import type { ServerSource } from './server-runs.ts'
import { Uploads } from './uploads.ts'
import type { ViewerPeer } from './viewer-peer.ts'
import { pieceAt, type Watched } from './watched.ts'

export interface ViewerParts {
  readonly clock: EngineClock
  readonly random: Random
  readonly watched: Watched
  readonly self: PeerId
  readonly server: ServerSource
  readonly store: PieceStore
  readonly sha1: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>
  /** For whoever is curious: who was banned, what the server refused. */
  readonly onNote: (sentence: string) => void
  /** Nothing that comes can be kept, or is right, and it is closed: the player is better off with the server. Once. */
  readonly onBroken?: (reason: string) => void
}

/** What changes by time alone is looked at so often. */
const TICK: Millis = millis(200)
const REVIEW_EVERY = 1_000
/** From the first colleague's greeting until what it has is known, and that of those who come with it. */
const FIRST_WORDS = 100
/** Who is not there by then is not waited for. */
const ACQUAINTED_AFTER = 6_000

export class Viewer {
  readonly #parts: ViewerParts
  readonly #have: Bitfield
  readonly #company: Company
  readonly #tally = new Tally()
  readonly #exchange = new Exchange()
  #haveBytes = 0
  readonly #judging: Judging
  readonly #fetching: Fetching
  readonly #uploads: Uploads
  readonly #reading: Reading
  readonly #ticking: { cancel(): void }
  #reviewedAt = 0
  #isClosed = false

  constructor(parts: ViewerParts) {
    this.#parts = parts
    const { clock, onNote, random, self, server, sha1, watched } = parts
    this.#have = new Bitfield(watched.layout.count)
    this.#judging = new Judging({
      watched,
      sha1,
      onGood: (piece, bytes) => {
        this.#keep(piece, bytes)
      },
      onLiar: (peer) => {
        this.#company.strike(peer)
      },
      onJudged: (piece) => {
        this.#fetching.judged(piece)
      },
      onNote,
      onUseless: (reason) => {
        this.close()
        parts.onBroken?.(reason)
      },
    })
    this.#company = new Company({
      clock,
      watched,
      self,
      have: this.#have,
      fetching: () => this.#fetching,
      uploads: () => this.#uploads,
      onGreeted: (peer) => {
        this.#fetching.met(peer)
        clock.after(millis(FIRST_WORDS), () => {
          this.#fetching.acquainted()
        })
      },
      onNote,
    })
    const peers = (): Iterable<ViewerPeer> => this.#company.peers
    this.#fetching = new Fetching({
      clock,
      watched,
      server,
      self,
      peers,
      have: this.#have,
      roomBytes: () => parts.store.roomBytes,
      isSuspect: (piece) => this.#judging.isSuspect(piece),
      onBytes: (from, bytes) => {
        const kind = from === 'http' ? from : from.isGateway ? 'gateway' : 'colleague'
        this.#tally.came(kind, bytes, clock.now())
        if (from !== 'http') this.#exchange.received(from, bytes)
      },
      onWhole: (work) => void this.#judging.judge(work),
    })
    this.#uploads = new Uploads({
      clock,
      random,
      peers,
      read: (range) => this.#readBlock(range),
      onSent: (peer, bytes) => {
        this.#exchange.sent(peer, bytes)
        this.#tally.sent(bytes, clock.now())
      },
    })
    this.#reading = new Reading({
      watched,
      store: parts.store,
      have: this.#have,
      onMoved: (piece) => {
        this.#fetching.moveTo(piece)
      },
      onLost: (piece) => {
        this.dropped(piece)
      },
    })
    clock.after(millis(ACQUAINTED_AFTER), () => {
      this.#fetching.acquainted()
    })
    this.#ticking = clock.every(TICK, () => {
      this.#tick()
    })
  }

  /** Colleagues that are greeted; the gateway is none. */
  get colleagues(): number {
    return this.#company.colleagues
  }

  /** How many more connections are worth having. */
  get room(): number {
    return this.#company.room
  }

  /** Whoever is connected, the gateway too. */
  get met(): readonly PeerId[] {
    return this.#company.met
  }

  /** They are in the swarm no more. */
  hangUpOn(peers: readonly PeerId[]): void {
    this.#company.hangUpOn(peers)
  }

  isKnown(peer: PeerId): boolean {
    return this.#company.isKnown(peer)
  }

  /** Somebody of that name, or at one of these addresses, is not to be talked to again. */
  isBanned(peer: PeerId, addresses: readonly string[]): boolean {
    return this.#company.isBanned(peer, addresses)
  }

  figures(): Figures {
    return this.#tally.figures(this.colleagues, this.#parts.clock.now())
  }

  /** What was exchanged with whom until now; of the server, what it sent over HTTP to us. */
  exchange(): {
    readonly exchanged: readonly Exchanged[]
    readonly haveBytes: number
    readonly httpBytes: number
  } {
    return {
      exchanged: this.#exchange.ends(),
      haveBytes: this.#haveBytes,
      httpBytes: this.#tally.fetchedBytes,
    }
  }

  /** How many blocks are missing at this place of the file, when the player runs dry, or has; undefined: it does not. */
  missingAt(place: number): number | undefined {
    const { position } = this.#fetching
    const isDry = isCriticalAt(position.dueMs(position.next, this.#parts.clock.now()))
    return isDry ? this.#fetching.missingBlocksOf(pieceAt(this.#parts.watched, place)) : undefined
  }

  /** Whether the player was last said to read there. */
  isAt(place: number): boolean {
    return pieceAt(this.#parts.watched, place) === this.#fetching.position.next
  }

  get serverTrouble(): string | undefined {
    return this.#fetching.serverTrouble
  }

  /** By the server itself, to the player. */
  sentPastUs(bytes: number): void {
    this.#tally.passed(bytes, this.#parts.clock.now())
  }

  /** The player asks the server itself, and goes on at this place of the file. */
  goesOnAt(place: number): void {
    const { watched } = this.#parts
    this.#reading.leave()
    this.#fetching.passTo(pieceAt(watched, Math.min(place, watched.fileBytes - 1)))
  }

  /** The player would jump to where nothing is to be had but from the server: that is sooner with it when it asks itself. */
  isJumpIntoNothing(place: number): boolean {
    return this.#fetching.isJumpIntoNothing(pieceAt(this.#parts.watched, place))
  }

  /** The player has so much before it, in its own time, and plays, so much faster than the film's own rate, or stands still. */
  playing(slackMs: number, isPlaying: boolean, rate = 1): void {
    this.#fetching.position.told(slackMs, isPlaying, this.#parts.clock.now(), rate)
  }

  /**
   * Verified bytes of the file from `offset` on, at least one and at most `bytesMax`, as soon as they are here.
   * @throws ShoalError `bad-input` behind the file's end, `interrupted` when the viewer is closed or `signal` aborted.
   */
  read(offset: number, bytesMax: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    return this.#reading.read(offset, bytesMax, signal)
  }

  /** Greets whoever is at the other end, and takes it in if it is in the same swarm. */
  meet(channel: Channel): void {
    this.#company.meet(channel)
  }

  /** It is known who else watches, or that nobody does. Until then only what is needed soon is asked of the server. */
  acquainted(): void {
    this.#fetching.acquainted()
  }

  /** Whether colleagues may have from us what we have. */
  upload(isOn: boolean): void {
    if (isOn === this.#uploads.isOn) return
    this.#uploads.turn(isOn)
    if (isOn) this.#company.tellAll()
  }

  get isUploading(): boolean {
    return this.#uploads.isOn
  }

  /** The store had to drop it. */
  dropped(piece: number): void {
    const known = this.#parts.watched.layout.index(piece)
    if (known !== undefined && this.#have.delete(known))
      this.#haveBytes -= this.#parts.watched.layout.pieceBytes(known)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#ticking.cancel()
    this.#judging.close()
    this.#fetching.close()
    this.#company.close()
    this.#parts.store.close()
    this.#reading.close()
  }

  async #readBlock({ piece, offset, length }: BlockRange): Promise<Uint8Array | undefined> {
    if (!this.#have.has(piece as PieceIndex)) return undefined
    return await this.#parts.store.get(piece, offset, length)
  }

  #keep(piece: PieceIndex, bytes: Uint8Array<ArrayBuffer>): void {
    this.#parts.store.put(piece, bytes)
    if (this.#have.add(piece)) this.#haveBytes += bytes.length
    this.#reading.arrived(piece)
    this.#company.tell(piece, this.#uploads.isOn)
  }

  #tick(): void {
    const now = this.#parts.clock.now()
    if (now - this.#reviewedAt >= REVIEW_EVERY) {
      this.#reviewedAt = now
      this.#fetching.review()
      this.#uploads.review()
      this.#company.review()
    }
    this.#fetching.plan()
  }
}
