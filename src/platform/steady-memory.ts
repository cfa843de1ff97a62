/**
 * Keeps a long-running server's memory near what it uses, and its garbage young.
 *
 * - V8 lets its old space grow to several times what is live before it collects, which is for programs that end soon; a
 *   tracker's garbage is young, so collecting the old space at a fifth over what is live costs it no CPU that could be
 *   measured (`bench/tracker-million.ts`).
 * - V8 puts what it saw live for long, wherever it is made, into the old space at once. While a tracker starts, answers
 *   wait for signatures, and it may learn that the peers in them live long: then each answer fills the old space from
 *   there on, which costs half as much again as the announce itself.
 */
import { setFlagsFromString } from 'node:v8'

/** Before the heap has grown: V8 looks at these as it compiles and each time that it decides how far the heap may. */
export function keepMemorySteady(): void {
  setFlagsFromString('--heap-growing-percent=20')
  setFlagsFromString('--no-allocation-site-pretenuring')
}
