/** A client that says on its standard output when it is done. */
import type { Child } from '../../test/support/processes.ts'
import type { LabClient } from './clients.ts'

export function fromChild(child: Child, isDone: (line: string) => boolean): LabClient {
  return {
    pid: child.pid,
    async untilDone(signal) {
      await child.untilLine((line) => isDone(line) || undefined, signal)
    },
    transcript: () => child.transcript(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
