/** Guests whose time is over: first what they took ends, then they are forgotten, so that a crash in between is made good by the next time. */
import { endLostGrants } from '../lost-grants.ts'
import type { Services } from '../services.ts'

export async function endGuests(services: Services): Promise<void> {
  const due = await services.guests.due()
  if (due.length === 0) return
  for (const slug of due) await endLostGrants(services, { slug }, 'end of access')
  await services.guests.sweep()
}
