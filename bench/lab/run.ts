/** One run: network, origin and links first; then the clock starts, and with it all clients at once. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Host } from '../../test/support/namespaces.ts'
import { LabNetwork, type Topology } from './topology.ts'
import { prepareClient, type ClientKind, type LabClient } from './clients.ts'
import { makeContent, sha256Of } from './content.ts'
import { countLinks, countsSince, watchPace, type LinkCounts } from './counters.ts'
import { floorSeconds } from './floor.ts'
import { FlowWatch, type Flows } from './flows.ts'
import { watchMachine, type Busyness } from './machine.ts'
import { hostsOf, type Origin, type OriginKind, type OriginParts } from './origin.ts'
import { startShoalOrigin } from './origin-shoal.ts'
import { startStockOrigin } from './origin-stock.ts'
import { usageOf, type Usage } from './usage.ts'

const BYTES_PER_MIB = 1_048_576
/** For everything before the clock starts. */
const SETUP_MS = 180_000
const MS_PER_SECOND = 1_000

export interface RunOptions {
  readonly client: ClientKind
  readonly origin: OriginKind
  readonly topology: Topology
  readonly sizeMiB: number
  readonly timeoutSeconds: number
  readonly withFloor: boolean
  /** Told what is going on. */
  readonly note: (text: string) => void
}

export interface PeerResult {
  readonly host: string
  readonly site: string
  readonly address: string
  /** Since all were started; nothing when it was not done in time. */
  readonly seconds: number | undefined
  readonly hasRightBytes: boolean
  readonly usage: Usage | undefined
  readonly transcript: string
}

export interface RunResult {
  readonly peers: readonly PeerResult[]
  readonly counts: LinkCounts
  readonly flows: Flows
  readonly originUsage: Readonly<Record<string, Usage | undefined>>
  readonly floorSeconds: number | undefined
  /** What the links carried in each {@link PACE_MS}. */
  readonly pace: readonly LinkCounts[]
  readonly machine: Busyness
}

/** Everything it made is gone when it returns, throws or is aborted. */
export async function runLab(options: RunOptions, signal: AbortSignal): Promise<RunResult> {
  const { note, topology, sizeMiB } = options
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'shoal-lab-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const network = stack.use(await LabNetwork.create(topology))
  const content = join(dir, 'library', 'content.bin')
  const workDir = join(dir, 'work')
  await mkdir(join(dir, 'library'))
  await mkdir(workDir)
  await makeContent(content, sizeMiB)
  const setup = AbortSignal.any([signal, AbortSignal.timeout(SETUP_MS)])
  const floor = options.withFloor
    ? await measureFloor(network, sizeMiB * BYTES_PER_MIB, note, signal)
    : undefined
  note(`starting the origin (${options.origin}) and making a .torrent for each host`)
  const parts: OriginParts = { host: network.origin, sites: network.sites, content, workDir }
  const origin = stack.use(await startOrigin(options.origin, parts, setup))
  const swarm = await fetchOnAll(options, { network, origin, dir, content }, signal)
  return { ...swarm, floorSeconds: floor }
}

async function measureFloor(
  network: LabNetwork,
  sizeBytes: number,
  note: RunOptions['note'],
  signal: AbortSignal,
): Promise<number> {
  note('measuring one bare TCP stream')
  const [to] = hostsOf(network.sites)
  if (to === undefined) throw new RangeError('no hosts')
  return floorSeconds(network.origin, to, sizeBytes, signal)
}

function startOrigin(kind: OriginKind, parts: OriginParts, signal: AbortSignal): Promise<Origin> {
  return kind === 'shoal' ? startShoalOrigin(parts, signal) : startStockOrigin(kind, parts, signal)
}

interface Stage {
  readonly network: LabNetwork
  readonly origin: Origin
  readonly dir: string
  readonly content: string
}

async function fetchOnAll(
  { client, timeoutSeconds, note }: RunOptions,
  { network, origin, dir, content }: Stage,
  signal: AbortSignal,
): Promise<Omit<RunResult, 'floorSeconds'>> {
  await using stack = new AsyncDisposableStack()
  const starts = await Promise.all(
    hostsOf(network.sites).map(async (host) => {
      const folder = join(dir, 'got', host.name)
      const job = {
        host,
        torrentFile: origin.torrents.get(host.name) ?? '',
        folder,
        workDir: join(dir, host.name),
      }
      return { host, folder, start: await prepareClient(client, job) }
    }),
  )
  const watch = new FlowWatch(hostsOf(network.sites))
  const before = await countLinks(network)
  const busynessSince = watchMachine()
  note(`starting ${starts.length} clients (${client})`)

  const startedAt = performance.now()
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * MS_PER_SECOND)])
  const running: { host: Host; folder: string; client: LabClient }[] = []
  stack.defer(() => endAll(running.map((each) => each.client)))
  for (const { host, folder, start } of starts) running.push({ host, folder, client: start() })
  const over = new AbortController()
  const watching = Promise.all([watch.watch(over.signal), watchPace(network, over.signal)])
  const seconds = await Promise.all(running.map((each) => secondsUntilDone(each.client, startedAt, deadline)))
  over.abort()
  const counts = countsSince(before, await countLinks(network))
  const machine = busynessSince()
  const usages = running.map((each) => usageOf(each.client.pid))
  const originUsage = Object.fromEntries(
    Object.entries(origin.pids).map(([role, pid]) => [role, usageOf(pid)]),
  )
  const [, pace] = await watching
  await watch.look()
  signal.throwIfAborted()

  note('comparing bytes')
  const wanted = await sha256Of(content)
  const peers: PeerResult[] = []
  for (const [i, { host, folder, client: peer }] of running.entries()) {
    peers.push({
      host: host.name,
      address: host.address,
      site: network.sites.find((site) => site.hosts.includes(host))?.name ?? '',
      seconds: seconds[i],
      hasRightBytes: (await sha256Of(join(folder, basename(content)))) === wanted,
      usage: usages[i],
      transcript: peer.transcript(),
    })
  }
  return { peers, counts, flows: watch.flows(), originUsage, pace, machine }
}

/** At once: some take seconds to say goodbye to their tracker. */
async function endAll(clients: readonly LabClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
}

/** Nothing when it ended or time was up before. */
async function secondsUntilDone(
  client: LabClient,
  startedAt: number,
  deadline: AbortSignal,
): Promise<number | undefined> {
  try {
    await client.untilDone(deadline)
    return (performance.now() - startedAt) / MS_PER_SECOND
  } catch {
    return undefined
  }
}
