/** Viewers of one film on one manual clock, with a server and colleagues at links of a rate: runs as fast as it computes. */
import { createHash } from 'node:crypto'
import { infoHash, peerIdOfBytes, type PeerId } from '../../src/core/ids.ts'
import { PieceLayout, type PieceIndex } from '../../src/core/piece-layout.ts'
import { seededRandom, type Random } from '../../src/core/random.ts'
import { millis } from '../../src/core/units.ts'
import type { Channel, ChannelHandler } from '../../src/web/engine/channel.ts'
import { MemoryStore } from '../../src/web/engine/piece-store.ts'
import type { ServerSource } from '../../src/web/engine/server-runs.ts'
import { Viewer } from '../../src/web/engine/viewer.ts'
import type { Watched } from '../../src/web/engine/watched.ts'
import { ManualClock } from './manual-clock.ts'

export interface FilmOptions {
  readonly seconds: number
  readonly bytesPerSecond: number
  readonly pieceLength: number
}

export interface LinkOptions {
  /** Of the server, and of each viewer each way; bytes a second. */
  readonly server: number
  readonly viewer: number
  readonly delayMs: number
}

/** What is before the player when it stops reading, as in Chromium. */
const PLAYER_AHEAD_MS = 16_000
const PLAYER_READS = 256 * 1_024

/** One after the other at a rate; those who wait take turns. */
class Link {
  readonly #clock: ManualClock
  readonly #perMs: number
  #freeAt = 0
  sentBytes = 0

  constructor(clock: ManualClock, bytesPerSecond: number) {
    this.#clock = clock
    this.#perMs = bytesPerSecond / 1_000
  }

  /** When it will have passed. */
  pass(bytes: number): number {
    this.sentBytes += bytes
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now()) + bytes / this.#perMs
    return this.#freeAt
  }
}

export class Film {
  readonly bytes: Uint8Array
  readonly watched: Watched

  constructor({ seconds, bytesPerSecond, pieceLength }: FilmOptions) {
    const random = seededRandom(7)
    this.bytes = Uint8Array.from({ length: seconds * bytesPerSecond }, () => Math.floor(256 * random()))
    const layout = new PieceLayout(this.bytes.length, pieceLength)
    const hashes = [...layout.indices()].map((piece) =>
      createHash('sha1').update(this.piece(layout, piece)).digest(),
    )
    this.watched = {
      infoHash: infoHash('5a'.repeat(20)),
      layout,
      first: 0 as PieceIndex,
      last: (layout.count - 1) as PieceIndex,
      hashes: Buffer.concat(hashes),
      fileStart: 0,
      fileBytes: this.bytes.length,
      durationMs: 1_000 * seconds,
    }
  }

  piece(layout: PieceLayout, piece: PieceIndex): Uint8Array {
    const start = layout.pieceStart(piece)
    return this.bytes.subarray(start, start + layout.pieceBytes(piece))
  }
}

/** One who plays it, as a browser does: reads ahead, plays in time, waits when there is nothing. */
export class SimulatedViewer {
  readonly viewer: Viewer
  readonly up: Link
  readonly down: Link
  readonly startedAt: number
  readonly notes: readonly string[]
  firstFrameAt: number | undefined
  stalledMs = 0
  isGone = false
  /** Why it gave up, for its player to go on by itself. */
  broken: string | undefined
  #readBytes = 0
  #playedMs = 0

  constructor(
    viewer: Viewer,
    links: { readonly up: Link; readonly down: Link; readonly startedAt: number },
    notes: readonly string[],
  ) {
    this.notes = notes
    this.viewer = viewer
    this.up = links.up
    this.down = links.down
    this.startedAt = links.startedAt
  }

  get playedMs(): number {
    return this.#playedMs
  }

  async play(world: ViewersWorld): Promise<void> {
    const { film } = world
    const msOf = (bytes: number): number => (1_000 * bytes) / world.bytesPerSecond
    const gone = new AbortController()
    const step = 100
    world.clock.every(millis(step), () => {
      if (this.isGone) return
      const ahead = msOf(this.#readBytes) - this.#playedMs
      if (this.firstFrameAt === undefined) return
      const end = film.watched.durationMs
      if (ahead >= step) this.#playedMs += step
      else if (this.#playedMs + step < end) this.stalledMs += step
      this.viewer.playing(Math.max(0, ahead), true)
    })
    while (!this.isGone && this.#readBytes < film.bytes.length) {
      if (msOf(this.#readBytes) - this.#playedMs > PLAYER_AHEAD_MS) {
        await world.sleep(100)
        continue
      }
      const bytes = await this.viewer.read(this.#readBytes, PLAYER_READS, gone.signal)
      const expected = film.bytes.subarray(this.#readBytes, this.#readBytes + bytes.length)
      if (Buffer.compare(bytes, expected) !== 0) throw new Error('a wrong byte reached the player')
      this.#readBytes += bytes.length
      if (this.firstFrameAt === undefined && msOf(this.#readBytes) > 800)
        this.firstFrameAt = world.clock.now()
    }
  }

  leave(): void {
    this.isGone = true
    this.viewer.close()
  }
}

export class ViewersWorld {
  readonly clock = new ManualClock()
  readonly film: Film
  readonly bytesPerSecond: number
  readonly server: Link
  readonly random: Random
  readonly viewers: SimulatedViewer[] = []
  /** It refuses. */
  isServerAway = false
  /** It gives another byte than was published at these places. */
  isServerWrongAt: (place: number) => boolean = () => false
  readonly #links: LinkOptions

  constructor(film: Film, links: LinkOptions, seed = 1) {
    this.film = film
    this.bytesPerSecond = (1_000 * film.bytes.length) / film.watched.durationMs
    this.#links = links
    this.server = new Link(this.clock, links.server)
    this.random = seededRandom(seed)
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(millis(ms), resolve))
  }

  /** Comes, meets all who are there within a second, and plays. */
  add({ bytesMax = Infinity } = {}): SimulatedViewer {
    const up = new Link(this.clock, this.#links.viewer)
    const down = new Link(this.clock, this.#links.viewer)
    const notes: string[] = []
    const viewer: Viewer = new Viewer({
      clock: this.clock,
      random: this.random,
      watched: this.film.watched,
      self: this.newPeerId(),
      server: this.#source(down),
      store: new MemoryStore({
        bytesMax,
        onDropped: (piece) => {
          viewer.dropped(piece)
        },
      }),
      sha1: (bytes) => Promise.resolve(createHash('sha1').update(bytes).digest()),
      onNote: (sentence) => notes.push(sentence),
      onBroken: (reason) => {
        added.isGone = true
        added.broken = reason
      },
    })
    const added: SimulatedViewer = new SimulatedViewer(
      viewer,
      { up, down, startedAt: this.clock.now() },
      notes,
    )
    for (const other of this.viewers.filter((one) => !one.isGone))
      this.clock.after(millis(500 + 500 * this.random()), () => {
        if (!added.isGone && !other.isGone) this.connect(added, other)
      })
    this.viewers.push(added)
    void added.play(this).catch((error: unknown) => {
      if (!added.isGone) throw error
    })
    return added
  }

  newPeerId(prefix = '-SW0100-'): PeerId {
    return peerIdOfBytes(
      Buffer.from(prefix.padEnd(20, String(this.random()).slice(2)), 'latin1').subarray(0, 20),
    )
  }

  connect(a: SimulatedViewer, b: SimulatedViewer): void {
    const [ours, theirs] = this.pipe(a, b)
    a.viewer.meet(ours)
    b.viewer.meet(theirs)
  }

  pipe(a: Pick<SimulatedViewer, 'up' | 'down'>, b: Pick<SimulatedViewer, 'up' | 'down'>): [Pipe, Pipe] {
    const ours = new Pipe(this.clock, { up: a.up, down: b.down, delayMs: this.#links.delayMs })
    const theirs = new Pipe(this.clock, { up: b.up, down: a.down, delayMs: this.#links.delayMs })
    ours.other = theirs
    ours.isOffered = true
    theirs.other = ours
    return [ours, theirs]
  }

  /** Lets time pass, and what is awaited go on in between. */
  async run(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    while (this.clock.now() < end) {
      await settled()
      const next = Math.min(end, this.clock.nextAt ?? end)
      this.clock.advance(millis(Math.max(0, next - this.clock.now())))
    }
    await settled()
  }

  #source(down: Link): ServerSource {
    const { clock, film, server } = this
    const chunk = 16 * 1_024
    const links = this.#links
    const sleep = (ms: number): Promise<void> => this.sleep(ms)
    const isAway = (): boolean => this.isServerAway
    const isWrongAt = (place: number): boolean => this.isServerWrongAt(place)
    return {
      async *fetch(from, end, signal) {
        await sleep(2 * links.delayMs)
        if (isAway()) throw new Error('the server answered 503')
        for (let at = from; at < end && !signal.aborted; at += chunk) {
          const right = film.bytes.subarray(at, Math.min(end, at + chunk))
          const bytes = right.map((byte, i) => (isWrongAt(at + i) ? byte ^ 1 : byte))
          const passed = server.pass(bytes.length)
          await sleep(Math.max(0, passed - clock.now()))
          await sleep(Math.max(0, down.pass(bytes.length) - clock.now()))
          yield bytes
        }
      },
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Pipe implements Channel {
  readonly addresses: readonly string[] = []
  isOffered = false
  other: Pipe | undefined
  queuedBytes = 0
  readonly #clock: ManualClock
  readonly #over: { readonly up: Link; readonly down: Link; readonly delayMs: number }
  #handler: ChannelHandler | undefined
  #isClosed = false

  constructor(clock: ManualClock, over: { up: Link; down: Link; delayMs: number }) {
    this.#clock = clock
    this.#over = over
  }

  setHandler(handler: ChannelHandler): void {
    this.#handler = handler
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosed) return
    const sent = bytes.slice()
    this.queuedBytes += sent.length
    const leaves = this.#over.up.pass(sent.length)
    this.#clock.after(millis(leaves - this.#clock.now()), () => {
      this.queuedBytes -= sent.length
      if (this.#isClosed) return
      this.#handler?.onDrain()
      const arrives = this.#over.down.pass(sent.length) + this.#over.delayMs
      this.#clock.after(millis(arrives - this.#clock.now()), () => this.other?.receive(sent))
    })
  }

  receive(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#handler?.onBytes(bytes)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handler?.onClose()
    this.#clock.after(millis(this.#over.delayMs), () => this.other?.close())
  }
}
