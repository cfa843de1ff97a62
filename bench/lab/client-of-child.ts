/** A client that says on its standard output when it is done. */
import type { Child } from '../../test/support/processes.ts'
import type { LabClient } from './clients.ts'

export function fromChild(child: Child, isDone: (line: string) => boolean): LabClient {
  return {
    ...ofChild(child),
    async untilDone(signal) {
      await child.untilLine((line) => isDone(line) || undefined, signal)
    },
  }
}

/** What does not depend on how a client says that it is done. */
export function ofChild(child: Child): Omit<LabClient, 'untilDone'> {
  return {
    pid: child.pid,
    kill: () => child.kill('SIGKILL'),
    wastedBytes: () => undefined,
    transcript: () => child.transcript(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
