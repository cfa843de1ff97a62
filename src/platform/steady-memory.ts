/**
 * Keeps a long-running server's memory near what it uses. V8 lets its old space grow to several times what is
 * live before it collects, which is for programs that end soon; a tracker's garbage is young, so collecting the old space
 * at a seventh over what is live costs it no CPU that could be measured (`bench/tracker-million.ts`).
 */
import { setFlagsFromString } from 'node:v8'

/** Before the heap has grown: V8 looks at this each time that it decides how far the heap may. */
export function keepMemorySteady(): void {
  setFlagsFromString('--heap-growing-percent=15')
}
