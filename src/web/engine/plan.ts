/**
 * When a missing piece is taken from the server. Colleagues are asked as soon as they have it; the server is for what nobody has,
 * and for what would come too late. All times in ms; a piece is *due* when the player runs out of what lies before it.
 *
 * Of what nobody has, each viewer fetches its share early (`turns.ts`), and passes it on. Should it be slow or gone, the next in
 * that order steps in as the time gets shorter. So many who watch the same draw one copy from the server.
 */

/** Pieces due sooner are fetched by whose turn it is, though nobody waits for them yet. */
const OWN_AHEAD = 40_000
/** While we do not know yet who has it. */
const STRANGER_AHEAD = 6_000
/** Whoever is next in the order waits until it is due so soon, and the one after that {@link STEP} longer. */
const SECOND_AHEAD = 20_000
const STEP = 5_000
const LAST_AHEAD = 5_000
/** The player stops soon: whoever needs it fetches it... */
const CRITICAL = 1_200
/** ...one after the other, so that of ten who need it at the same moment the first is enough. */
const STAGGER = 150
/** A colleague that said to fetch it is waited for so long, when the player needs it. */
const BELIEVED_FOR = 3_000
/** A colleague has it and may be asked: the server comes in only when it is due so soon, and the colleague was tried. */
const RESCUE_AHEAD = 2_000
const RESCUE_AFTER = 800
/** The player stands still: whoever is asked has so long. */
const RESCUE_NOW_AFTER = 350

/** Colleagues are asked for what is due within this. */
export const PEERS_AHEAD = 90_000

export interface PieceOutlook {
  /** Until the player needs it; 0 when it waits for it. */
  readonly dueMs: number
  /** The same of the first of its group: turns go by groups. */
  readonly groupDueMs: number
  /** How many colleagues that answer have it. */
  readonly holders: number
  /** For how long they have been asked for it; 0 when they were not. */
  readonly askedForMs: number
  /** For how long one of them, by its own word, or the gateway for us, has been at it; undefined: nobody is. */
  readonly comingForMs: number | undefined
  /** For how long it has been needed at once. */
  readonly criticalForMs: number
  /** 0: it is our turn. Asked for where it decides. */
  readonly rank: () => number
  /** Who else is there is known. */
  readonly isAcquainted: boolean
}

export type ServerUse = 'no' | 'ahead' | 'urgent'

export function serverUseFor({
  dueMs,
  groupDueMs,
  holders,
  askedForMs,
  comingForMs,
  criticalForMs,
  rank,
  isAcquainted,
}: PieceOutlook): ServerUse {
  if (holders > 0) {
    const patience = dueMs === 0 ? RESCUE_NOW_AFTER : RESCUE_AFTER
    return dueMs < RESCUE_AHEAD && askedForMs > patience ? 'urgent' : 'no'
  }
  const isCritical = isCriticalAt(dueMs)
  if (comingForMs !== undefined) return isCritical && comingForMs > BELIEVED_FOR ? 'urgent' : 'no'
  if (isCritical) return criticalForMs >= STAGGER * rank() ? 'urgent' : 'no'
  if (groupDueMs >= OWN_AHEAD) return 'no'
  return groupDueMs < (isAcquainted ? patienceOf(rank()) : STRANGER_AHEAD) ? 'ahead' : 'no'
}

export const isCriticalAt = (dueMs: number): boolean => dueMs < CRITICAL

function patienceOf(rank: number): number {
  return rank === 0 ? OWN_AHEAD : Math.max(LAST_AHEAD, SECOND_AHEAD - STEP * (rank - 1))
}
