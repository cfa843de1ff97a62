/** How long until the first picture, on a quiet network: our page and a bare `<video>` of the same file, in turns. */
import { setTimeout as wait } from 'node:timers/promises'
import { seekTarget } from './seek-target.ts'
import type { Viewer, Way } from './viewer.ts'

const FIRST_FRAME_MS = 30_000
const SEEK_MS = 30_000
const PLAY_MS = 3_000
/** The network is quiet again. */
const PAUSE_MS = 1_000

export interface Start {
  readonly way: Way
  readonly firstFrameMs: number
  readonly playingMs: number
  /** One jump after some seconds of play; null when no picture came. */
  readonly seekMs: number | null
}

export async function measureStarts(
  viewer: Viewer,
  options: { readonly rounds: number; readonly seed: number; readonly note: (text: string) => void },
  signal: AbortSignal,
): Promise<readonly Start[]> {
  const starts: Start[] = []
  for (let round = 0; round < options.rounds; round++) {
    const ways: readonly Way[] = round % 2 === 0 ? ['plain', 'watch'] : ['watch', 'plain']
    for (const way of ways) {
      const watching = await viewer.open(way)
      const { firstFrameMs, playingMs } = await watching.untilFirstFrame(FIRST_FRAME_MS, signal)
      await wait(PLAY_MS, undefined, { signal })
      const to = seekTarget(await watching.seen(), options.seed + round)
      const seekMs = await watching.seek(to, SEEK_MS)
      await watching.close()
      starts.push({ way, firstFrameMs: firstFrameMs ?? NaN, playingMs: playingMs ?? NaN, seekMs })
      options.note(`${way}: first picture after ${ms(firstFrameMs)}, after a jump ${ms(seekMs)}`)
      await wait(PAUSE_MS, undefined, { signal })
    }
  }
  return starts
}

const ms = (value: number | null): string => (value === null ? 'never' : `${Math.round(value)} ms`)
