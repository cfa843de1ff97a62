/** `shoal up` knowing the sites, and a link of its own for each host. */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { shoalOk, startShoal, untilEvent, type ShoalWhere } from '../../test/support/processes-shoal.ts'
import { until } from '../../test/support/processes.ts'
import { hostsOf, type Origin, type OriginParts } from './origin.ts'

const PORT = 8_080
/** `shoal link` is a process a link. */
const LINKS_AT_ONCE = 3

export async function startShoalOrigin(parts: OriginParts, signal: AbortSignal): Promise<Origin> {
  const { host, sites, workDir } = parts
  const sitesFile = join(workDir, 'sites.txt')
  await writeFile(sitesFile, sites.map((site) => `${site.name} ${site.cidr}\n`).join(''))
  const where: ShoalWhere = { host, dataDir: join(workDir, 'up'), logFile: join(workDir, 'up.log') }
  /** As `shoal up` names what the library holds. */
  const bundle = basename(parts.content.path).replace('.', '-')
  const listen = `${host.address}:${PORT}`
  await using stack = new AsyncDisposableStack()
  const up = stack.use(
    startShoal(
      where,
      'up',
      '--library',
      dirname(parts.content.path),
      '--sites',
      sitesFile,
      '--listen',
      listen,
    ),
  )
  await untilEvent(up, 'ready', signal)
  await until('the content to be published', () => shoalOk(where, 'link', 'link', bundle), signal)
  const torrents = new Map<string, string>()
  await mkdir(join(workDir, 'links'))
  const left = [...hostsOf(sites)]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const torrent = join(workDir, 'links', `${next.name}.torrent`)
      signal.throwIfAborted()
      await shoalOk(where, 'link', 'link', bundle, '--peers', '1', '--torrent', torrent)
      torrents.set(next.name, torrent)
    }
  }
  await Promise.all(Array.from({ length: LINKS_AT_ONCE }, worker))
  const owned = stack.move()
  return {
    torrents,
    pids: { origin: up.pid },
    leave: () => up.kill('SIGKILL'),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}
