/** What the viewers do: come one after the other, watch, some leave, and at the end jump; and what was seen of it. */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { WatchOptions } from './options.ts'
import type { Seen } from './probe.ts'
import { seekTarget } from './seek-target.ts'
import type { Viewer, Watching } from './viewer.ts'

const FIRST_FRAME_MS = 60_000
const SEEK_MS = 30_000
const PLAY_BETWEEN_SEEKS_MS = 3_000
/** Of each viewer, ranges of so much, spread over what was played. */
const COMPARED = { ranges: 6, bytes: 262_144 } as const

export interface ViewerResult {
  readonly name: string
  readonly arrivedSeconds: number
  readonly hasLeft: boolean
  /** When its first picture was there. */
  atStart: Seen | undefined
  /** When the play was over, or it left. */
  atEnd: Seen | undefined
  /** From its navigation to the end of its play. */
  watchedSeconds: number
  readonly seeksMs: (number | null)[]
  /** While jumping, jumps themselves left out. */
  stallsAfterSeeks: number
  hasRightBytes: boolean | null
  /** Its browser's, or its part of it. */
  cpuSeconds: number
  /** What its page complained of. */
  troubles: readonly string[]
  failure?: string
}

interface ShowParts {
  readonly viewers: readonly Viewer[]
  readonly film: string
  readonly note: (text: string) => void
}

export class Show {
  readonly #options: WatchOptions
  readonly #parts: ShowParts
  readonly #signal: AbortSignal
  readonly #watching = new Map<ViewerResult, Watching>()
  readonly results: readonly ViewerResult[]

  constructor(options: WatchOptions, parts: ShowParts, signal: AbortSignal) {
    this.#options = options
    this.#parts = parts
    this.#signal = signal
    this.results = parts.viewers.map(({ name }, i) => ({
      name,
      arrivedSeconds: i * options.gapSeconds,
      hasLeft: i < options.leave,
      atStart: undefined,
      atEnd: undefined,
      watchedSeconds: 0,
      seeksMs: [],
      stallsAfterSeeks: 0,
      hasRightBytes: null,
      cpuSeconds: 0,
      troubles: [],
    }))
  }

  /** Resolves when the time of the play is over. */
  async play(): Promise<void> {
    const { viewers, browsers, gapSeconds, seconds, leave } = this.#options
    const lastComesAt = (viewers - 1) * gapSeconds
    const beganAt = performance.now()
    const untilSecond = (second: number): Promise<void> =>
      wait(Math.max(0, beganAt + second * 1_000 - performance.now()), undefined, { signal: this.#signal })
    const each = async (result: ViewerResult, viewer: Viewer, i: number): Promise<void> => {
      await untilSecond(result.arrivedSeconds)
      const cpuBefore = viewer.browser.cpuSeconds()
      const cameAt = performance.now()
      const isShown = await this.#tried(result, async () => {
        const watching = await viewer.open('watch')
        this.#watching.set(result, watching)
        result.troubles = watching.troubles
        result.atStart = await watching.untilFirstFrame(FIRST_FRAME_MS, this.#signal)
        this.#parts.note(
          `${result.name} has its first picture after ${Math.round(result.atStart.firstFrameMs ?? NaN)} ms`,
        )
      })
      await untilSecond(lastComesAt + (i < leave ? seconds / 2 : seconds))
      if (isShown)
        await this.#tried(result, async () => {
          result.atEnd = await this.#watching.get(result)?.seen()
        })
      result.watchedSeconds = (performance.now() - cameAt) / 1_000
      result.cpuSeconds = ((viewer.browser.cpuSeconds() - cpuBefore) * browsers) / viewers
      if (i >= leave) return
      this.#watching.delete(result)
      await viewer[Symbol.asyncDispose]()
      this.#parts.note(`${result.name} has left`)
    }
    await Promise.all(this.#parts.viewers.map((viewer, i) => each(this.#resultOf(i), viewer, i)))
  }

  /** What the pages give of the film, compared with the film. They stand still meanwhile: the machine is for the comparison. */
  async compareBytes(): Promise<void> {
    const { size } = await stat(this.#parts.film)
    for (const [result, watching] of this.#watching) await this.#tried(result, () => watching.pause())
    for (const [result, watching] of this.#watching) {
      const { atEnd } = result
      if (atEnd === undefined) continue
      const played = Math.floor((atEnd.positionSeconds / atEnd.durationSeconds) * size)
      const room = Math.max(0, played - COMPARED.bytes)
      await this.#tried(result, async () => {
        let areRight = true
        for (let i = 0; i < COMPARED.ranges; i++) {
          const from = Math.floor((room * i) / (COMPARED.ranges - 1))
          areRight &&= await watching.hasRightBytes(this.#parts.film, from, COMPARED.bytes)
        }
        result.hasRightBytes = areRight
      })
    }
    for (const [result, watching] of this.#watching) await this.#tried(result, () => watching.resume())
  }

  /** One viewer at a time, while the others go on. */
  async jump(): Promise<void> {
    const { seeks, seed, viewers } = this.#options
    for (let round = 0; round < seeks; round++)
      for (const [i, result] of this.results.entries()) {
        const watching = this.#watching.get(result)
        if (watching === undefined || result.failure !== undefined) continue
        await this.#tried(result, async () => {
          const before = await watching.seen()
          const ms = await watching.seek(seekTarget(before, seed + round * viewers + i), SEEK_MS)
          result.seeksMs.push(ms)
          await wait(PLAY_BETWEEN_SEEKS_MS, undefined, { signal: this.#signal })
        })
      }
    for (const [result, watching] of this.#watching)
      await this.#tried(result, async () => {
        const { stalls } = await watching.seen()
        result.stallsAfterSeeks = stalls.length - (result.atEnd?.stalls.length ?? 0)
      })
  }

  async keepPictures(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    for (const [{ name }, watching] of this.#watching)
      await watching.page.screenshot({ path: join(folder, `${name}.png`) })
  }

  #resultOf(i: number): ViewerResult {
    const result = this.results[i]
    if (result === undefined) throw new RangeError(`there is no viewer ${i}`)
    return result
  }

  /** What goes wrong for one viewer is noted, and the others go on. */
  async #tried(result: ViewerResult, what: () => Promise<void>): Promise<boolean> {
    try {
      await what()
      return true
    } catch (error) {
      this.#signal.throwIfAborted()
      result.failure ??= error instanceof Error ? error.message : String(error)
      this.#parts.note(`${result.name}: ${result.failure}`)
      return false
    }
  }
}
