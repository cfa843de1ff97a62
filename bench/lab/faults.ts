/** What befalls a run while it is under way: hosts killed, an origin that leaves, sites cut apart. */
import { setTimeout as wait } from 'node:timers/promises'
import type { LinkCounts } from './counters.ts'
import type { Cut, Kill, LabPlan } from './plan.ts'
import type { LabNetwork } from './topology.ts'

export interface FaultParts {
  readonly plan: LabPlan
  readonly sizeBytes: number
  /** Which of {@link LinkCounts.hostIn} are of hosts that are to get the content. */
  readonly peers: readonly number[]
  /** Those of them that are killed when it is time. */
  readonly victims: readonly number[]
  readonly kill: (host: number) => void
  readonly originLeaves: () => void
  /** Seconds since the start of the run. */
  readonly now: () => number
  readonly note: (text: string) => void
}

/** When what was planned came to pass; nothing for what did not. */
export interface FaultTimes {
  killedAtSeconds?: number
  originLeftAtSeconds?: number
}

/** To be told what the links carried since the start, now and then. */
export class Faults {
  readonly times: FaultTimes = {}
  readonly #parts: FaultParts

  constructor(parts: FaultParts) {
    this.#parts = parts
  }

  onLook(counts: LinkCounts): void {
    const { plan, peers, sizeBytes, now, note } = this.#parts
    if (plan.kill !== undefined && this.times.killedAtSeconds === undefined) {
      if (progressOf(counts, peers, sizeBytes) >= plan.kill.atProgress) this.#kill(plan.kill)
    }
    const leavesAt = plan.originLeavesAtCopies
    if (leavesAt === undefined || this.times.originLeftAtSeconds !== undefined) return
    if (counts.origin.payloadBytes < leavesAt * sizeBytes) return
    this.times.originLeftAtSeconds = now()
    note(`the origin leaves after ${(counts.origin.payloadBytes / sizeBytes).toFixed(2)} copies`)
    this.#parts.originLeaves()
  }

  #kill({ atProgress }: Kill): void {
    const { victims, kill, now, note } = this.#parts
    this.times.killedAtSeconds = now()
    note(`killing ${victims.length} hosts at ${Math.round(100 * atProgress)} %`)
    for (const victim of victims) kill(victim)
  }
}

/** Makes and mends each cut at its time; returns when all are mended or the signal is aborted. */
export async function makeCuts(
  network: LabNetwork,
  cuts: readonly Cut[],
  { now, note }: Pick<FaultParts, 'now' | 'note'>,
  signal: AbortSignal,
): Promise<void> {
  const until = async (seconds: number): Promise<boolean> =>
    wait(Math.max(0, seconds - now()) * 1_000, true, { signal }).catch(() => false)
  await Promise.all(
    cuts.map(async (cut) => {
      if (!(await until(cut.fromSeconds))) return
      await network.cut(cut)
      note('sites are cut apart')
      if (!(await until(cut.untilSeconds))) return
      await network.mend(cut)
      note('sites are joined again')
    }),
  )
}

/** What share of the content the hosts have received, the mean of all; whoever received it twice has it once. */
function progressOf({ hostIn }: LinkCounts, peers: readonly number[], sizeBytes: number): number {
  const received = peers.map((i) => Math.min(1, (hostIn[i]?.payloadBytes ?? 0) / sizeBytes))
  return received.reduce((sum, share) => sum + share, 0) / received.length
}
