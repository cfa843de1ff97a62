/**
 * Loaded by a child before all else: its date is off by `CLOCK_OFF_MS`, as on a machine whose clock was never
 * set. Only `Date.now`, which is all that `platform/clock.ts` asks for the date.
 */
const offMs = Number(process.env.CLOCK_OFF_MS)
const { now } = Date
Date.now = () => now() + offMs
