/**
 * Our engine in a process of its own: announces one torrent to each hostile tracker, and downloads one from an honest
 * one beside. Arguments: as {@link EngineOrder}, in JSON. Says that it is `running`, begins at SIGUSR2, prints an event for each
 * answer, ends at SIGTERM.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { infoHash } from '../../../src/core/ids.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { untilStopped } from '../../../src/platform/lifecycle.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { systemRandom } from '../../../src/platform/random.ts'
import { startEngine, tcpNetwork } from '../../../src/swarm/index.ts'
import { parseTorrent } from '../../../src/wire/torrent.ts'

export interface EngineOrder {
  /** Case to announce URL. */
  readonly hostile: Readonly<Record<string, string>>
  readonly honest: string
  readonly torrentFile: string
  readonly out: string
}

const order = JSON.parse(process.argv[2] ?? '') as EngineOrder
const tell = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`)
const signal = untilStopped()

await using engine = await startEngine(
  { clock: systemClock, random: systemRandom, log: silentLogger, network: tcpNetwork() },
  { listen: { host: '127.0.0.1', port: 0, portsToTry: 1 } },
)
const begun = once(process, 'SIGUSR2')
tell({ event: 'running' })
await begun
for (const [name, url] of Object.entries(order.hostile)) {
  engine.add({
    infoHash: infoHash(createHash('sha1').update(name).digest('hex')),
    folder: order.out,
    statePath: join(order.out, `${encodeURIComponent(name)}.state`),
    mode: 'download',
    announceUrls: () => [[url]],
    onEvent: ({ kind, ...more }) =>
      tell({ event: 'tracker', case: name, kind, reason: 'reason' in more ? more.reason : '' }),
  })
}
const torrent = parseTorrent(readFileSync(order.torrentFile))
engine.add({
  infoHash: torrent.infoHash,
  torrent,
  folder: order.out,
  statePath: join(order.out, 'honest.state'),
  mode: 'download',
  announceUrls: () => [[order.honest]],
  onEvent: ({ kind }) => tell({ event: kind === 'complete' ? 'done' : 'honest', kind }),
})
await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
