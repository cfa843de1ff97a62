/** libtorrent 2 by its Python binding, with the settings that it comes with. */
import { startOn } from '../../test/support/namespaces.ts'
import { fromChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

/** Debian's own Python: others do not see the system's libtorrent. */
const PYTHON = '/usr/bin/python3'
const PEER = new URL('../libtorrent-peer.py', import.meta.url).pathname
const PORT = 51_413

export const libtorrent: PrepareClient = ({ host, torrentFile, folder, workDir }) =>
  Promise.resolve(() => {
    const argv = [PYTHON, PEER, torrentFile, folder, 'leech', `${host.address}:${PORT}`]
    const child = startOn(host, { argv, logFile: `${workDir}/output.log` })
    return fromChild(child, (line) => line.startsWith('done '))
  })
