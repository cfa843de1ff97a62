/** Answers the service worker, which answers the player: from colleagues as soon as there is a viewer, and "ask the server" before. */
import type { Viewer } from '../engine/viewer.ts'
import type { PassedNote, ReadReply, ReadRequest } from '../stream-messages.ts'

/** Who has the film's bytes. */
export interface Film {
  readonly viewer: Viewer
  readonly sizeBytes: number
  readonly type: string
}

/** The player asks for one place, or two while it looks for something: what was asked before is of no use. */
const READS_MAX = 3
/** From the first picture to a viewer. */
const EXPECTED_MS = 2_500
/** A player that waits, while nothing of what it waits for comes in for so long though the server refused nothing, is served past us. */
const STUCK_MS = 6_000
/** ...and then for so long, so that it waits once and not at each of its steps. */
const PASSED_FOR_MS = 60_000

interface Read {
  readonly from: number
  readonly gone: AbortController
}

export class StreamDesk {
  readonly #path: string
  readonly #reads: Read[] = []
  /** What the server sent before there was a viewer. */
  #passedBytes = 0
  /** Where the player went on then, as far as that is known. */
  #place: number | undefined
  /** What it asked for last. */
  #askedFrom: number | undefined
  #film: Film | undefined
  #passUntil = 0
  #opening: Promise<unknown> = Promise.resolve()
  #mayWait: () => boolean = () => false

  constructor(path: string) {
    this.#path = path
    navigator.serviceWorker.addEventListener('message', (event: MessageEvent<ReadRequest | PassedNote>) => {
      this.#hear(event)
    })
    navigator.serviceWorker.startMessages()
    this.#countDirect()
  }

  /**
   * What the server sent to the player itself, before the service worker was there: the browser counts it, once that is over. Requests
   * that a jump ended are among it, so that it says where the player is only as long as nobody else does.
   */
  #countDirect(): void {
    let end = 0
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        if (entry.workerStart !== 0 || new URL(entry.name).pathname !== this.#path) continue
        end += entry.encodedBodySize
        this.#passed(entry.encodedBodySize)
        if (this.#film === undefined) this.#place = end
      }
    })
    observer.observe({ type: 'resource', buffered: true })
  }

  /** A viewer will come in a moment, or will not: `isComing` resolves. A player that has enough waits for it, in place of emptying the server. */
  expect(isComing: Promise<unknown>, hasEnough: () => boolean): void {
    const late = new Promise((resolve) => setTimeout(resolve, EXPECTED_MS))
    this.#opening = Promise.race([isComing.catch(() => undefined), late])
    this.#mayWait = hasEnough
    void this.#opening.then(() => {
      this.#mayWait = () => false
    })
  }

  open(film: Film): void {
    this.#film = film
    film.viewer.sentPastUs(this.#passedBytes)
    if (this.#place !== undefined) film.viewer.goesOnAt(this.#place)
  }

  /** Nothing more comes this way: the server is asked. */
  shut(): void {
    this.#film = undefined
    for (const { gone } of this.#reads) gone.abort()
  }

  #hear({ data: message, ports }: MessageEvent<ReadRequest | PassedNote>): void {
    if (message.path !== this.#path) return
    const [port] = ports
    if (message.kind === 'passed') this.#notePassed(message)
    else if (port !== undefined) {
      this.#askedFrom = message.from
      void this.#answer(port, message)
    }
  }

  /** It may have jumped meanwhile, and waits for what it jumped to. */
  #notePassed({ from, bytes }: PassedNote): void {
    this.#passed(bytes)
    for (const read of this.#reads) if (read.from === from) read.gone.abort()
    if (this.#askedFrom !== undefined && this.#askedFrom !== from) return
    this.#place = from + bytes
    this.#film?.viewer.goesOnAt(this.#place)
  }

  #passed(bytes: number): void {
    this.#passedBytes += bytes
    this.#film?.viewer.sentPastUs(bytes)
  }

  async #answer(port: MessagePort, { from, bytesMax }: ReadRequest): Promise<void> {
    const reply = (message: ReadReply, transfer: Transferable[] = []): void => {
      port.postMessage(message, transfer)
    }
    if (this.#film === undefined && this.#mayWait()) {
      reply({ kind: 'coming' })
      await this.#opening
    }
    const film = this.#film
    const isJump = film !== undefined && from < film.sizeBytes && film.viewer.isJumpIntoNothing(from)
    if (isJump) film.viewer.goesOnAt(from + bytesMax)
    if (film === undefined || from >= film.sizeBytes || isJump || performance.now() < this.#passUntil) {
      reply({ kind: 'pass' })
      return
    }
    reply({ kind: 'coming' })
    const gone = new AbortController()
    const asked: Read = { from, gone }
    this.#reads.push(asked)
    if (this.#reads.length > READS_MAX) this.#reads.shift()?.gone.abort()
    const watchdog = stuckWatch(film.viewer, from, () => {
      // of two places that it reads, one may be waited for while the other is fetched: that costs this request alone
      if (film.viewer.isAt(from)) this.#passUntil = performance.now() + PASSED_FOR_MS
      gone.abort()
    })
    try {
      const read = film.viewer.read(from, bytesMax, gone.signal)
      const bytes = await Promise.race([read, abortOf(gone.signal)])
      const exact = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer
      reply({ kind: 'bytes', bytes: exact, sizeBytes: film.sizeBytes, type: film.type }, [exact])
    } catch {
      reply({ kind: 'pass' })
    } finally {
      clearInterval(watchdog)
      const at = this.#reads.indexOf(asked)
      if (at !== -1) this.#reads.splice(at, 1)
    }
  }
}

function stuckWatch(viewer: Viewer, from: number, onStuck: () => void): ReturnType<typeof setInterval> {
  let before: number | undefined
  let unchanged = 0
  return setInterval(() => {
    const missing = viewer.missingAt(from)
    unchanged = missing !== undefined && missing === before ? unchanged + 1 : 0
    if (unchanged === 2 && viewer.serverTrouble === undefined) onStuck()
    before = missing
  }, STUCK_MS / 2)
}

/** What is read may hang where no signal reaches, as in a disk that never answers. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('nobody waits for it')), { once: true })
  })
}
