/** webtorrent as a program: SOURCE (a .torrent file or a magnet) and FOLDER; see stock-clients-lines.ts. */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import WebTorrent from 'webtorrent'

const [source = '', folder = ''] = process.argv.slice(2)
const tell = (line: object): void => console.log(JSON.stringify(line))

const client = new WebTorrent({
  dht: false,
  lsd: false,
  utPex: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  torrentPort: 51_413,
  // Encrypted first, it does not try again in plain when a peer hangs up at that (ours do).
  secure: false,
})
client.on('error', (error) => {
  console.error(error)
  process.exit(1)
})
const torrent = client.add(source.startsWith('magnet:') ? source : await readFile(source), { path: folder })
// A tracker that refuses or does not answer is a warning; the torrent goes on.
torrent.on('warning', (warning: Error | string) => tell({ trackerError: String(warning) }))
torrent.on('done', () => tell({ isComplete: true }))
torrent.on('wire', () => tell({ peers: torrent.numPeers }))
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'reannounce') torrent.discovery?.tracker?.update()
  })
  .on('close', () => process.exit(0))
process.on('SIGTERM', () => client.destroy(() => process.exit(0)))
tell({ isComplete: false, peers: 0 })
