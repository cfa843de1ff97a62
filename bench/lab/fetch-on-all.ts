/** The measured part of a run: clients start when their hosts arrive, links are counted, faults befall, bytes are compared. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { seededRandom } from '../../src/core/random.ts'
import { prepareClient, type LabClient } from './clients.ts'
import { isWhole, type Content } from './content.ts'
import { countLinks, countsSince, watchPace, type LinkCounts, type Pace } from './counters.ts'
import { chosen } from './draw.ts'
import { Faults, makeCuts, type FaultParts, type FaultTimes } from './faults.ts'
import { FlowWatch, type Flows } from './flows.ts'
import { watchMachine, type Busyness } from './machine.ts'
import { hostsOf, type Origin } from './origin.ts'
import type { RunOptions } from './run.ts'
import type { LabHost, LabNetwork } from './topology.ts'
import { usageOf, type Usage } from '../support/usage.ts'

const MS_PER_SECOND = 1_000

export interface Stage {
  readonly network: LabNetwork
  readonly origin: Origin
  /** Each host has a folder of its own here. */
  readonly dir: string
  readonly content: Content
}

export interface HostResult {
  readonly host: LabHost
  /** Since its own program was started; nothing when it was not done in time, or before it was killed. */
  readonly seconds: number | undefined
  /** Of what it has when it says that it is done. */
  readonly hasRightBytes: boolean
  readonly wasKilled: boolean
  readonly wastedBytes: number | undefined
  readonly usage: Usage | undefined
  readonly transcript: string
}

export interface Fetched {
  /** In the order of sites and hosts, poisoners included. */
  readonly hosts: readonly HostResult[]
  readonly counts: LinkCounts
  readonly flows: Flows
  readonly originUsage: Readonly<Record<string, Usage | undefined>>
  /** What the links carried in each `PACE_MS`. */
  readonly pace: readonly Pace[]
  readonly machine: Busyness
  readonly faults: FaultTimes
}

/** A host and the program on it, from the moment in which it arrives. */
interface Participant {
  readonly host: LabHost
  readonly folder: string
  readonly start: () => LabClient
  client: LabClient | undefined
  wasKilled: boolean
  usage: Usage | undefined
}

export async function fetchOnAll(
  { plan, clients, seed, timeoutSeconds, note }: RunOptions,
  { network, origin, dir, content }: Stage,
  signal: AbortSignal,
): Promise<Fetched> {
  await using stack = new AsyncDisposableStack()
  const participants = await Promise.all(
    hostsOf(network.sites).map(async (host): Promise<Participant> => {
      const folder = join(dir, 'got', host.name)
      const torrentFile = origin.torrents.get(host.name) ?? ''
      const job = { host, torrentFile, folder, workDir: join(dir, host.name) }
      const start = await prepareClient(host.plan.client, job)
      return { host, folder, start, client: undefined, wasKilled: false, usage: undefined }
    }),
  )
  const over = new AbortController()
  const flowWatch = new FlowWatch(participants.map(({ host }) => host))
  const flowsWatched = flowWatch.watch(over.signal)
  stack.defer(async () => {
    over.abort()
    await flowsWatched.catch(() => undefined) // If it failed, that was thrown already.
  })
  const before = await countLinks(network)
  const busynessSince = watchMachine()
  note(`starting ${participants.length} clients (${clients.join(':')})`)

  const startedAt = performance.now()
  const now = (): number => (performance.now() - startedAt) / MS_PER_SECOND
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * MS_PER_SECOND)])
  const originUsage = (): Fetched['originUsage'] =>
    Object.fromEntries(Object.entries(origin.pids).map(([role, pid]) => [role, usageOf(pid)]))
  let usageWhenLeft: Fetched['originUsage'] | undefined
  const originLeaves = (): void => {
    usageWhenLeft = originUsage()
    origin.leave()
  }
  const faults = faultsOf(participants, { plan, content, originLeaves, seed, now, note })
  stack.defer(() => endAll(participants))
  const watching = Promise.all([
    watchPace(network, before, (counts) => faults.onLook(counts), over.signal),
    makeCuts(network, plan.cuts, { now, note }, over.signal),
    flowsWatched,
  ])
  const wanted = AbortSignal.any([deadline, over.signal])
  const all = participants.map((each) => secondsUntilDone(each, now, wanted))
  await Promise.race([
    Promise.all(all.filter((_, i) => participants[i]?.host.plan.client !== 'poisoner')),
    watching,
  ])
  const counts = countsSince(before, await countLinks(network))
  over.abort()
  const seconds = await Promise.all(all)
  const machine = busynessSince()
  for (const each of participants) each.usage ??= usageOf(each.client?.pid ?? -1)
  const originUsages = usageWhenLeft ?? originUsage()
  const [pace] = await watching
  signal.throwIfAborted()

  note('comparing bytes')
  const hosts: HostResult[] = []
  for (const [i, { host, folder, client, wasKilled, usage }] of participants.entries())
    hosts.push({
      host,
      seconds: seconds[i],
      hasRightBytes: seconds[i] !== undefined && (await isWhole(folder, content)),
      wasKilled,
      wastedBytes: client?.wastedBytes(),
      usage,
      transcript: client?.transcript() ?? `${host.name} was never started`,
    })
  return {
    hosts,
    counts,
    flows: flowWatch.flows(),
    originUsage: originUsages,
    pace,
    machine,
    faults: faults.times,
  }
}

function faultsOf(
  participants: readonly Participant[],
  parts: Pick<RunOptions, 'plan' | 'seed' | 'note'> &
    Pick<Stage, 'content'> &
    Pick<FaultParts, 'originLeaves' | 'now'>,
): Faults {
  const { plan, content, originLeaves, seed, now, note } = parts
  const peers = participants.flatMap(({ host }, i) => (host.plan.client === 'poisoner' ? [] : [i]))
  const victims = chosen(peers.length, plan.kill?.shareOfHosts ?? 0, seededRandom(seed))
  return new Faults({
    plan,
    sizeBytes: content.sizeBytes,
    peers,
    victims: victims.flatMap((i) => peers[i] ?? []),
    kill: (i) => {
      const victim = participants[i]
      if (victim === undefined) return
      victim.wasKilled = true
      victim.usage = usageOf(victim.client?.pid ?? -1)
      victim.client?.kill()
    },
    originLeaves,
    now,
    note,
  })
}

/** At once: some take seconds to say goodbye to their tracker. */
async function endAll(participants: readonly Participant[]): Promise<void> {
  await Promise.all(participants.map(async ({ client }) => client?.[Symbol.asyncDispose]()))
}

/** Starts it when its host arrives. Nothing when it ended, or time was up, before it was done. */
async function secondsUntilDone(
  each: Participant,
  now: () => number,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const delay = each.host.plan.arrivesAtSeconds - now()
    if (delay > 0) await wait(delay * MS_PER_SECOND, undefined, { signal })
    if (each.wasKilled) return undefined
    const startedAt = now()
    each.client = each.start()
    await each.client.untilDone(signal)
    return now() - startedAt
  } catch {
    return undefined
  }
}
