/**
 * The tracker client of WebTorrent as a program, with WebRTC of node-datachannel: TRACKER, INFOHASH and PEER_ID. It
 * tells what it hears by lines of JSON, and greets each peer that it connects to.
 */
import { createInterface } from 'node:readline'
import Client, { type TrackerPeer } from 'bittorrent-tracker'

const [tracker = '', infoHash = '', peerId = ''] = process.argv.slice(2)
const tell = (line: object): void => console.log(JSON.stringify(line))

const client = new Client({
  infoHash,
  peerId,
  announce: [tracker],
  port: 6_881,
  rtcConfig: { iceServers: [] },
})
client.on('error', (error: Error) => tell({ error: error.message }))
client.on('warning', (error: Error) => tell({ warning: error.message }))
client.on('update', ({ complete, incomplete }: Record<string, unknown>) => tell({ complete, incomplete }))
client.on('scrape', ({ downloaded }: Record<string, unknown>) => tell({ downloaded }))
client.on('peer', (peer: TrackerPeer) => {
  peer.on('error', (error: Error) => tell({ peerError: error.message }))
  peer.on('data', (data: Uint8Array) => tell({ heard: Buffer.from(data).toString() }))
  peer.on('connect', () => peer.send(`hello from ${peerId}`))
})
client.start({ left: 1, numwant: 2 })
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'scrape') client.scrape()
  if (line === 'again') client.update({ left: 1, numwant: 2 })
  if (line === 'stop') client.stop()
})
process.on('SIGTERM', () => process.exit(0))
