/** A portal with a library of releases, and a tracker beside it that can be killed and started again. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PortalClient } from '../../src/portal-client/index.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { ShoalProcess } from './shoal-process.ts'

export interface Release {
  /** The .torrent, base64. */
  readonly torrent: string
  /** At the tracker beside, with a grant for many. */
  readonly announceUrl: string
}

/** Releases that are whole after a moment, so that whoever has one waits for others, as most clients do. */
const SMALL_PART = 0.2
const SMALL_BYTES = 65_536
const LARGE_BYTES = 4 * 1_048_576
const PEERS_A_GRANT = 256

export async function makeLibrary(folder: string, releases: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let i = 0; i < releases; i++) {
    const isSmall = i < SMALL_PART * releases
    await writeFile(join(folder, `release-${i}.bin`), randomBytes(isSmall ? SMALL_BYTES : LARGE_BYTES))
  }
}

/** Resolves when all of them are live. */
export async function releasesOf(
  dataDir: string,
  options: { readonly portal: string; readonly tracker: string; readonly count: number },
): Promise<readonly Release[]> {
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const client = new PortalClient({ baseUrl: options.portal, token })
  const bundles = await untilLive(client, options.count)
  const releases: Release[] = []
  for (const bundle of bundles) {
    const link = await client.createLink(bundle, 'latest', { peersMax: PEERS_A_GRANT })
    const bytes = Buffer.from(await (await fetch(link.torrentUrl)).arrayBuffer())
    const url = new URL(parseTorrent(bytes).announce[0]?.[0] ?? '')
    releases.push({
      torrent: bytes.toString('base64'),
      announceUrl: `${options.tracker}/announce${url.search}`,
    })
  }
  return releases
}

async function untilLive(client: PortalClient, count: number) {
  for (let tries = 0; tries < 600; tries++) {
    const live = []
    for await (const { bundle, latest } of client.allBundles())
      if (latest?.state === 'live') live.push(bundle)
    if (live.length >= count) return live.slice(0, count)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error('the library was not published')
}

/** `shoal tracker`; the second time on the port of the first. */
export async function startTrackerBeside(
  dataDir: string,
  options: { readonly portal: string; readonly port: number },
): Promise<{ readonly process: ShoalProcess; readonly url: string; readonly port: number }> {
  const process = await ShoalProcess.start([
    'tracker',
    ...['--data', join(dataDir, 'tracker-data'), '--portal', options.portal],
    ...['--token-file', join(dataDir, 'origin.token'), '--listen', `127.0.0.1:${options.port}`],
  ])
  const url = String(process.ready['tracker'])
  return { process, url, port: Number(new URL(url).port) }
}
