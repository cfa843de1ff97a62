/**
 * Holds sockets at a tracker, as somebody who wishes it ill or whose machine sleeps: WebSockets that have announced and
 * then say nothing, and connections that never finish their first request, opened anew when they are closed. Reads
 * `{port, webSockets: [grant, infohash][], halfOpen}` on standard input; prints `ready` when all are there.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { WebSocket } from 'ws'

interface Given {
  readonly port: number
  readonly webSockets: readonly (readonly [grant: string, infoHashHex: string])[]
  readonly halfOpen: number
}

const AT_A_TIME = 200

const parts: Buffer[] = []
for await (const part of process.stdin) parts.push(Buffer.from(part as Uint8Array))
const given = JSON.parse(Buffer.concat(parts).toString()) as Given

/** From some addresses of loopback: one has 28,000 ports to one place. */
const addressOf = (i: number): string => `127.0.0.${2 + (i % 16)}`

async function openWebSocket(i: number, [grant, infoHashHex]: readonly [string, string]): Promise<void> {
  const url = `ws://127.0.0.1:${given.port}/announce?g=${grant}`
  const socket = new WebSocket(url, { localAddress: addressOf(i), perMessageDeflate: false })
  socket.on('error', () => undefined)
  await once(socket, 'open')
  const announce = {
    action: 'announce',
    info_hash: Buffer.from(infoHashHex, 'hex').toString('latin1'),
    peer_id: i.toString(16).padStart(20, '0'),
    numwant: 0,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    event: 'started',
    offers: [],
  }
  socket.send(JSON.stringify(announce))
  await once(socket, 'message')
}

async function openHalf(i: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: given.port, localAddress: addressOf(i) })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    setTimeout(() => void openHalf(i), 100)
  })
  await once(socket, 'connect').catch(() => undefined)
  socket.write('GET /announce?g=')
}

async function each(count: number, open: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await open(i)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
}

await each(given.webSockets.length, async (i) => {
  const one = given.webSockets[i]
  if (one !== undefined) await openWebSocket(i, one)
})
await each(given.halfOpen, openHalf)
process.stdout.write('ready\n')
