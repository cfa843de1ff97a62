/** What a process has used so far, from /proc. Linux. */
import { readFileSync } from 'node:fs'
import { KiB, MiB } from '../../src/core/units.ts'

/** Of /proc/PID/stat; Linux has always shown 100 a second to programs. */
const TICKS_PER_SECOND = 100

export interface Usage {
  /** User and system, of all its threads. */
  readonly cpuSeconds: number
  readonly peakMiB: number
}

/** Nothing when it has ended. */
export function usageOf(pid: number): Usage | undefined {
  try {
    return { cpuSeconds: cpuSecondsOf(pid), peakMiB: Math.round(peakBytesOf(pid) / MiB) }
  } catch {
    return undefined
  }
}

/** User and system, of all its threads. @throws Error when it has ended. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** @throws Error when it has ended. */
export const residentBytesOf = (pid: number): number => bytesOf(pid, 'VmRSS')

/** The most that was resident. @throws Error when it has ended. */
export const peakBytesOf = (pid: number): number => bytesOf(pid, 'VmHWM')

function bytesOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return KiB * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN)
}
