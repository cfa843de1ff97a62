/** One who claims to have everything and sends noise: poisoner.ts as a client that is never done. */
import { once } from 'node:events'
import { startOn } from '../../test/support/namespaces.ts'
import { ofChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

const PROGRAM = new URL('./poisoner.ts', import.meta.url).pathname

export const poisoner: PrepareClient = ({ host, torrentFile, workDir }) =>
  Promise.resolve(() => {
    const argv = [process.execPath, PROGRAM, torrentFile, host.address]
    const child = startOn(host, { argv, logFile: `${workDir}/output.log` })
    return {
      ...ofChild(child),
      async untilDone(signal) {
        if (!signal.aborted) await once(signal, 'abort')
      },
    }
  })
