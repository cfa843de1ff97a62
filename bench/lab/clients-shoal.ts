/** `shoal get`, as a user runs it, going on to serve what it has. */
import { startShoal } from '../../test/support/processes-shoal.ts'
import { fromChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

export const shoalGet: PrepareClient = ({ host, torrentFile, folder, workDir }) =>
  Promise.resolve(() => {
    const where = { host, dataDir: `${workDir}/data`, logFile: `${workDir}/output.log` }
    const child = startShoal(where, 'get', torrentFile, '--out', folder, '--seed', 'forever')
    return fromChild(child, (line) => line.startsWith('{"event":"done"'))
  })
