/** How long somebody goes without anything new before the origin helps, whatever its site does. */
import { seconds } from '../../core/units.ts'

/** What takes so many times what is usual will not come from there. */
export const LATE_TIMES = 3
/** Who gets nothing new for so long is not served by its site. */
const HELP_AFTER = seconds(5)
/** When nothing new is left to give, our line is free. */
const HELP_AFTER_ALL_OUT = seconds(2)
/**
 * libtorrent hangs up on a peer whose last piece is the very one that it lacks itself, and comes back a minute later:
 * the last piece of a site often stays with the first host that has it.
 */
const HELP_AFTER_LAST = seconds(0.5)
const LAST_PIECES = 4
/** Where pieces take long to arrive, whoever waits has more patience, but no more than this; for the last ones, none. */
const HELP_AFTER_MOST = seconds(10)

export interface Waiting {
  /** Nothing is left that nobody was given. */
  readonly isAllOut: boolean
  /** Pieces. */
  readonly lacks: number
  /** From the showing of a piece to its arrival, in ms, of late. */
  readonly usualArrival: number
}

/** In ms. Pure. */
export function patience({ isAllOut, lacks, usualArrival }: Waiting): number {
  if (isAllOut && lacks <= LAST_PIECES) return HELP_AFTER_LAST
  const usual = Math.min(HELP_AFTER_MOST, LATE_TIMES * usualArrival)
  return Math.max(isAllOut ? HELP_AFTER_ALL_OUT : HELP_AFTER, usual)
}
