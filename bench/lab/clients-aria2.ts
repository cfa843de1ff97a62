/** aria2, which runs a program when the download is whole: one that prints a line on aria2's own output. */
import { startOn } from '../../test/support/namespaces.ts'
import { fromChild } from './client-of-child.ts'
import type { PrepareClient } from './clients.ts'

/** Called with an id, the number of files and the first file's path. */
const WHEN_DONE = '/usr/bin/echo'
const DONE = /^[0-9a-f]{16} \d+ /

export const aria2: PrepareClient = ({ host, torrentFile, folder, workDir }) =>
  Promise.resolve(() => {
    const child = startOn(host, {
      logFile: `${workDir}/output.log`,
      argv: [
        ...['aria2c', '--no-conf', '--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
        ...['--disable-ipv6=true', '--listen-port=51413', '--file-allocation=none', '--seed-ratio=0.0'],
        ...['--summary-interval=0', '--show-console-readout=false', `--dir=${folder}`],
        ...[`--on-bt-download-complete=${WHEN_DONE}`, torrentFile],
      ],
    })
    return fromChild(child, (line) => DONE.test(line))
  })
