/** What a process has used so far, from /proc. Linux. */
import { readFileSync } from 'node:fs'

/** Of /proc/PID/stat; Linux has always shown 100 a second to programs. */
const TICKS_PER_SECOND = 100
const KIB_PER_MIB = 1_024

export interface Usage {
  /** User and system, of all its threads. */
  readonly cpuSeconds: number
  readonly peakMiB: number
}

/** Nothing when it has ended. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      peakMiB: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? NaN) / KIB_PER_MIB),
    }
  } catch {
    return undefined
  }
}
