/** webtorrent in Node, as the tests drive it. */
import { startOn } from '../../test/support/namespaces.ts'
import { fromChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

const PROGRAM = new URL('../../test/support/stock-clients-webtorrent.ts', import.meta.url).pathname

export const webtorrent: PrepareClient = ({ host, torrentFile, folder, workDir }) =>
  Promise.resolve(() => {
    const argv = [process.execPath, PROGRAM, torrentFile, folder]
    const child = startOn(host, { argv, logFile: `${workDir}/output.log` })
    return fromChild(child, (line) => line.startsWith('{"isComplete":true'))
  })
