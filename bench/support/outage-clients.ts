/**
 * Many of our own clients in one process, each a peer engine of its own with a port, a folder and a release:
 *
 *     node bench/support/outage-clients.ts < ASSIGNMENT.json
 *
 * Prints a line of JSON for each answered announce (`client`, `at`) and, every second, how much payload has come
 * (`bytes`, `at`). Ends by a signal.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ipAddress } from '../../src/core/address.ts'
import { seconds } from '../../src/core/units.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { startEngine, tcpNetwork, type TorrentHandle } from '../../src/swarm/index.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'

export interface Assignment {
  readonly folder: string
  readonly clients: readonly {
    readonly client: number
    readonly torrent: string
    readonly announceUrl: string
  }[]
}

export type Report =
  { readonly client: number; readonly at: number } | { readonly bytes: number; readonly at: number }

const say = (report: Report): void => void process.stdout.write(`${JSON.stringify(report)}\n`)

async function main(): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array)
  const { folder, clients } = JSON.parse(Buffer.concat(chunks).toString()) as Assignment
  const handles: TorrentHandle[] = []
  for (const { client, torrent: text, announceUrl } of clients) {
    const torrent = parseTorrent(Buffer.from(text, 'base64'))
    const own = join(folder, String(client))
    await mkdir(own, { recursive: true })
    const host = ipAddress('127.0.0.1')
    const engine = await startEngine(
      { clock: systemClock, random: systemRandom, log: silentLogger, network: tcpNetwork() },
      { listen: { host, port: 0, portsToTry: 1 }, bindAddress: host },
    )
    const handle = engine.add({
      infoHash: torrent.infoHash,
      torrent,
      folder: own,
      mode: 'download',
      statePath: join(own, 'state'),
      peersPath: join(own, 'peers'),
      announceUrls: () => [[announceUrl]],
      onEvent: (event) => {
        if (event.kind === 'announced') say({ client, at: Date.now() })
      },
    })
    handles.push(handle)
  }
  systemClock.every(seconds(1), () => {
    say({ bytes: handles.reduce((sum, handle) => sum + handle.stats().receivedBytes, 0), at: Date.now() })
  })
}

if (import.meta.main) await main()
