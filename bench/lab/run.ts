/** One run: network, content and origin first; then the clock starts, and with it the clients that are there from the start. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeContent, type Content } from './content.ts'
import { fetchOnAll, type Fetched } from './fetch-on-all.ts'
import { floorSeconds } from './floor.ts'
import type { LabRun } from './options.ts'
import { hostsOf, type Origin, type OriginKind, type OriginParts } from './origin.ts'
import { startShoalOrigin } from './origin-shoal.ts'
import { startStockOrigin } from './origin-stock.ts'
import { LabNetwork } from './topology.ts'

/** For everything before the clock starts. */
const SETUP_MS = 300_000

export interface RunOptions extends LabRun {
  /** Told what is going on. */
  readonly note: (text: string) => void
}

export interface RunResult extends Fetched {
  readonly floorSeconds: number | undefined
}

/** Everything it made is gone when it returns, throws or is aborted. */
export async function runLab(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
  const { note, plan } = options
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'shoal-lab-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const network = stack.use(await LabNetwork.create(plan))
  const workDir = join(dir, 'work')
  await mkdir(join(dir, 'library'))
  await mkdir(workDir)
  const content = await makeContent(join(dir, 'library'), options.content)
  const setup = AbortSignal.any([signal, AbortSignal.timeout(SETUP_MS)])
  const floor = options.withFloor ? await measureFloor(network, content, note, signal) : undefined
  note(`starting the origin (${options.origin}) and making a .torrent for each host`)
  const parts: OriginParts = {
    host: network.origin,
    namespace: network.originOut.namespace,
    sites: network.sites,
    content,
    workDir,
  }
  const origin = stack.use(await startOrigin(options.origin, parts, setup))
  const fetched = await fetchOnAll(options, { network, origin, dir, content }, signal)
  return { ...fetched, floorSeconds: floor }
}

async function measureFloor(
  network: LabNetwork,
  { sizeBytes }: Content,
  note: RunOptions['note'],
  signal: AbortSignal,
): Promise<number> {
  note('measuring one bare TCP stream')
  const to = hostsOf(network.sites).find(({ plan }) => plan.acceptsConnections)
  if (to === undefined) throw new RangeError('--floor: no host accepts a connection')
  return floorSeconds(network.origin, to, sizeBytes, signal)
}

function startOrigin(kind: OriginKind, parts: OriginParts, signal: AbortSignal): Promise<Origin> {
  return kind === 'shoal' ? startShoalOrigin(parts, signal) : startStockOrigin(kind, parts, signal)
}
