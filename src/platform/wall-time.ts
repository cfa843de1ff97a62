/** The time on the wall where this machine stands: schedules by the hour follow it through summer and winter time. */
import { DAYS_A_WEEK, type WallTime } from '../core/rate-schedule.ts'
import type { EpochMillis } from '../core/units.ts'

/** In the time zone of the system, or of `$TZ`. */
export function wallTimeOf(epoch: EpochMillis): WallTime {
  const date = new Date(epoch)
  // JavaScript's week begins with Sunday.
  const day = (date.getDay() + DAYS_A_WEEK - 1) % DAYS_A_WEEK
  return { day, minute: 60 * date.getHours() + date.getMinutes() }
}
