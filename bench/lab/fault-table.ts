/** What faults did to a swarm, beside what was promised. Pure. */
import { pieceLengthFor } from '../../src/core/piece-layout.ts'
import type { Line } from './report.ts'
import { medianOf, type Results } from './results.ts'
import { figure, markdownTable, measured, met, type Measured } from './tables.ts'

const BYTES_PER_MIB = 1_048_576
/** Of the promises 7 to 10. */
const POISONED = { pieces: 4, time: 1.2 } as const
const KILLED = { time: 1.5, stallSeconds: 30 } as const
const MERGED_SECONDS = 30

interface Verdict {
  readonly goal: string
  readonly text: string
  readonly isMet: boolean
}

/** The same without the fault, where time is compared. */
const UNDISTURBED: Readonly<Record<string, string>> = {
  'poison-1-of-2': 'poison-none',
  'poison-5-of-6': 'poison-none',
  'poison-yardstick': 'shoal',
  'kill-half': 'shoal',
  'cut-pair': 'cut-none',
}

export function faultTable(results: Results): string {
  const rows = measured('faults', results).flatMap((each) => {
    const before = medianOf(results.get(UNDISTURBED[each.entry.name] ?? '') ?? [])
    const verdict = verdictOf(each, before)
    if (verdict === undefined) return []
    const done = `${each.line.finished} of ${each.line.wanted}`
    return [[each.entry.what, verdict.goal, done, verdict.text, met(verdict.isMet && isWhole(each.line))]]
  })
  return markdownTable(['fault', 'promised', 'whole', 'figure', ''], rows)
}

/** Nothing for runs that are there to compare others with. */
function verdictOf({ entry, line }: Measured, before: Line | undefined): Verdict | undefined {
  const ratio = timesLonger(line, before)
  const time = `${figure(ratio)} x the time`
  const within = (most: number): boolean => ratio !== null && ratio <= most
  switch (entry.name) {
    case 'poison-1-of-2': {
      const pieces = Math.ceil(line.wastedBytes / pieceLengthFor(line.sizeMiB * BYTES_PER_MIB))
      return {
        goal: `${POISONED.pieces} pieces wasted, ${POISONED.time} x the time`,
        text: `${pieces} pieces, ${time}`,
        isMet: pieces <= POISONED.pieces && within(POISONED.time),
      }
    }
    case 'poison-5-of-6':
    case 'poison-yardstick': {
      const wasted = (line.wastedBytes / BYTES_PER_MIB).toFixed(1)
      return { goal: 'whole', text: `${wasted} MiB wasted in all, ${time}`, isMet: true }
    }
    case 'origin-leaves': {
      const left = line.faults.originLeftAtSeconds
      const text =
        left === undefined ? 'all were done before it had sent so much' : `left at ${left.toFixed(0)} s`
      return {
        goal: '20 of 20',
        text: `${text}; last ${figure(line.lastOverBound)} x the bound`,
        isMet: true,
      }
    }
    case 'kill-half':
      return {
        goal: `${KILLED.time} x the time, no stall over ${KILLED.stallSeconds} s`,
        text: `${time}, longest stall ${line.longestStallSeconds} s`,
        isMet: within(KILLED.time) && line.longestStallSeconds <= KILLED.stallSeconds,
      }
    case 'cut-pair':
    case 'cut-wan': {
      const merged = line.mergedAfterSeconds ?? null
      return {
        goal: `exchange again within ${MERGED_SECONDS} s`,
        text: `${merged === null ? 'not seen' : `after ${merged} s`}; last ${figure(line.lastOverBound)} x the bound`,
        isMet: merged !== null && merged <= MERGED_SECONDS,
      }
    }
    default:
      return undefined
  }
}

const isWhole = ({ finished, wanted, areBytesRight }: Line): boolean => areBytesRight && finished === wanted

function timesLonger({ lastSeconds }: Line, before: Line | undefined): number | null {
  const usual = before?.lastSeconds ?? null
  return lastSeconds === null || usual === null ? null : lastSeconds / usual
}
