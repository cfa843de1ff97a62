/** The same through one HTTP server with the same limit: what the swarm is compared with, in the same minute. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { millis, type BytesPerSecond } from '../../core/units.ts'
import { sleep, type Clock } from '../../platform/clock.ts'

const CHUNK_BYTES = 64 * 1_024

/** How long `clients` downloads of `sizeBytes` at once take, until the last has everything; in milliseconds. */
export async function timeHttpServer(
  clock: Clock,
  work: { readonly sizeBytes: number; readonly clients: number; readonly limit: BytesPerSecond },
  signal: AbortSignal,
): Promise<number> {
  const server = createServer()
  const open = new Set<ServerResponse>()
  server.on('request', (_req, res) => {
    open.add(res)
    res.writeHead(200, { 'content-length': work.sizeBytes })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const begun = clock.now()
    const downloads = Array.from({ length: work.clients }, () => download(portOf(server)))
    await Promise.all([...downloads, feed(clock, open, work, signal)])
    return clock.now() - begun
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Gives each download its share of the limit, in turns, until all have everything. */
async function feed(
  clock: Clock,
  open: ReadonlySet<ServerResponse>,
  work: { readonly sizeBytes: number; readonly clients: number; readonly limit: BytesPerSecond },
  signal: AbortSignal,
): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const sent = new Map<ServerResponse, number>()
  let total = 0
  const begun = clock.now()
  while (total < work.sizeBytes * work.clients) {
    for (const response of open) {
      const left = work.sizeBytes - (sent.get(response) ?? 0)
      if (left === 0) continue
      const part = chunk.subarray(0, Math.min(left, chunk.length))
      response.write(part)
      if (left === part.length) response.end()
      sent.set(response, (sent.get(response) ?? 0) + part.length)
      total += part.length
    }
    const due = begun + (1_000 * total) / work.limit
    await sleep(clock, millis(Math.max(1, due - clock.now())), signal)
  }
}

function download(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port }, (res) => {
      res.resume().once('end', resolve)
      res.once('error', reject)
    }).once('error', reject)
  })
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
