/** `shoal get`, as a user runs it, going on to serve what it has. */
import { startShoal } from '../../test/support/processes-shoal.ts'
import { fromChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

export const shoalGet: PrepareClient = ({ host, torrentFile, folder, workDir }) =>
  Promise.resolve(() => {
    const where = { host, dataDir: `${workDir}/data`, logFile: `${workDir}/output.log` }
    const child = startShoal(where, 'get', torrentFile, '--out', folder, '--seed', 'forever')
    const isDone = (line: string): boolean => line.startsWith('{"event":"done"')
    return {
      ...fromChild(child, isDone),
      wastedBytes: () => {
        const done = child.lines.find(isDone)
        return done === undefined ? undefined : (JSON.parse(done) as { wastedBytes: number }).wastedBytes
      },
    }
  })
