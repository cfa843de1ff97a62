/** When a web seed is asked, and for what: last, since its bytes cross the link that peers are there to spare. Pure. */
import type { FileLayout, PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import type { ByteRange } from '../wire/byte-range.ts'
import { limits } from '../wire/limits.ts'

/** How long peers have to be found, and to give something, when nobody waits. */
const PATIENCE = seconds(10)
/** Who needs a piece this soon or later has as much patience as who needs none; who needs it now, none. */
const FAR = seconds(30)

/** How long peers are given; `deadlineIn`: until a player needs the piece. */
export function delayFor(deadlineIn: Millis | undefined): Millis {
  return deadlineIn === undefined ? PATIENCE : millis(PATIENCE * Math.min(1, deadlineIn / FAR))
}

export interface PeersSoFar {
  /** Since pieces are wanted. */
  readonly sinceStart: Millis
  /** Since a peer gave something; since the start when none did. */
  readonly sinceGiven: Millis
}

/** `lacking`: pieces that no connected peer has. */
export type WebSeedTurn = 'nothing' | 'lacking' | 'anything'

export function turnOf({ sinceStart, sinceGiven }: PeersSoFar, deadlineIn: Millis | undefined): WebSeedTurn {
  const delay = delayFor(deadlineIn)
  if (sinceStart < delay) return 'nothing'
  return sinceGiven < delay ? 'lacking' : 'anything'
}

/** How a request does. */
export interface Pace {
  /** Since it began. */
  readonly time: Millis
  readonly bytes: number
}

/** No request is judged before, and so much later than it is due a piece may come. */
const LATENESS = seconds(3)

/** Whether what is `aheadBytes` away comes too late for who needs it. */
export function isTooLate({ time, bytes }: Pace, aheadBytes: number, deadlineIn: Millis): boolean {
  return time >= LATENESS && aheadBytes * time > bytes * (deadlineIn + LATENESS)
}

/** Whether it holds its pieces for so long that peers should have them instead. */
export function isDripping({ time, bytes }: Pace): boolean {
  const { webSeedRequestTimeMax: timeMax, webSeedRequestBytesMax: bytesMax } = limits
  return time >= timeMax && bytes * timeMax < bytesMax * time
}

export interface RunWish {
  readonly layout: PieceLayout
  readonly suits: (piece: PieceIndex) => boolean
  /** More are taken when the first alone is longer. */
  readonly bytesMax: number
  /** Where to begin; by chance when absent, so that many who are alone with a web seed have something to exchange. */
  readonly first?: PieceIndex
}

/** What peers brought lies here and there, and what is left between is short: of so many places the best is taken. */
const PLACES = 4

/** Neighbours that suit, in order; empty when there are none. */
export function chooseRun(wish: RunWish, random: Random): PieceIndex[] {
  const { layout, suits, first } = wish
  if (first !== undefined) return runFrom(wish, first)
  let best: PieceIndex[] = []
  for (let i = 0; i < PLACES; i++) {
    const start = firstAround(layout, suits, Math.floor(random() * layout.count))
    if (start === undefined) return []
    const run = runFrom(wish, start)
    if (run.length > best.length) best = run
  }
  return best
}

function runFrom({ layout, suits, bytesMax }: RunWish, start: PieceIndex): PieceIndex[] {
  const run: PieceIndex[] = []
  let bytes = 0
  for (let next: PieceIndex | undefined = start; next !== undefined; next = layout.index(next + 1)) {
    bytes += layout.pieceBytes(next)
    if (!suits(next) || (run.length > 0 && bytes > bytesMax)) break
    run.push(next)
  }
  return run
}

function firstAround(
  layout: PieceLayout,
  suits: (piece: PieceIndex) => boolean,
  from: number,
): PieceIndex | undefined {
  for (let i = 0; i < layout.count; i++) {
    const piece = layout.index((from + i) % layout.count)
    if (piece !== undefined && suits(piece)) return piece
  }
  return undefined
}

export interface FilePart extends ByteRange {
  /** Index into the list of files. */
  readonly file: number
}

/** What to ask for to have these neighbours: parts of files in order, each of `bytesMax` at most. */
export function partsOf(files: FileLayout, run: readonly PieceIndex[], bytesMax: number): FilePart[] {
  const parts: FilePart[] = []
  for (const { file, fileOffset, length } of run.flatMap((piece) => files.spansOf(piece))) {
    for (let from = fileOffset; from < fileOffset + length;) {
      const last = parts.at(-1)
      const isSame = last?.file === file && last.end - last.from < bytesMax
      const begin = isSame ? last.from : from
      const end = Math.min(fileOffset + length, begin + bytesMax)
      if (isSame) parts.pop()
      parts.push({ file, from: begin, end })
      from = end
    }
  }
  return parts
}
