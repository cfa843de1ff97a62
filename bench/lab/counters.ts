/**
 * What the kernel counted on the shaped links. A count is of frames as they went over the wire; what remains of them
 * without the headers of Ethernet, IP and TCP is what a swarm chose to send (content, protocol, announces), and is
 * what "copies" are of. Losses are counted where they occur: who sends again, pays again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { runOk } from '../../test/support/processes.ts'
import { cpuWaitClock } from './machine.ts'
import type { LabNetwork, LinkEnd } from './topology.ts'

/** Ethernet 14, IPv4 20, TCP 20 and its timestamps 12. An acknowledgement alone thus comes to nothing. */
const HEADER_BYTES = 66

export interface Carried {
  readonly wireBytes: number
  readonly packets: number
  readonly payloadBytes: number
  readonly dropped: number
}

export interface LinkCounts {
  readonly origin: Carried
  /** In the order of the network's sites. */
  readonly wanIn: readonly Carried[]
  readonly wanOut: readonly Carried[]
  /** To each host, in the order of sites and hosts: how far it has come, as seen from outside, whatever it runs. */
  readonly hostIn: readonly Carried[]
}

/** What happened in one {@link PACE_MS}. */
export interface Pace extends LinkCounts {
  /** As in `Busyness`, of this time alone: a run of minutes hides how busy the machine was while most hosts fetched. */
  readonly cpuWaitShare: number | null
}

export const PACE_MS = 1_000

/** What the links have carried since they were made. */
export async function countLinks({ originOut, sites }: LabNetwork): Promise<LinkCounts> {
  const wanIn = sites.map((site) => site.wanIn)
  const wanOut = sites.map((site) => site.wanOut)
  const hostIn = sites.flatMap(({ hosts }) => hosts.map(({ linkIn }) => linkIn))
  const namespaces = new Set([originOut, ...wanIn, ...wanOut].map(({ namespace }) => namespace))
  const carried = new Map<string, ReadonlyMap<string, Carried>>()
  await Promise.all(
    [...namespaces].map(async (namespace) => carried.set(namespace, await carriedIn(namespace))),
  )
  const of = ({ namespace, device }: LinkEnd): Carried => {
    const found = carried.get(namespace)?.get(device)
    if (found === undefined) throw new Error(`${namespace} ${device} is not shaped`)
    return found
  }
  return { origin: of(originOut), wanIn: wanIn.map(of), wanOut: wanOut.map(of), hostIn: hostIn.map(of) }
}

/** What they carried in each {@link PACE_MS}, until the signal is aborted; `onLook` is told what they did since `start`. */
export async function watchPace(
  network: LabNetwork,
  start: LinkCounts,
  onLook: (sinceStart: LinkCounts) => void,
  signal: AbortSignal,
): Promise<Pace[]> {
  const pace: Pace[] = []
  const cpuWait = cpuWaitClock()
  let before = start
  for (let next = performance.now() + PACE_MS; !signal.aborted; next += PACE_MS) {
    const isWhole = await wait(Math.max(0, next - performance.now()), true, { signal }).catch(() => false)
    const now = await countLinks(network)
    if (isWhole) pace.push({ ...countsSince(before, now), cpuWaitShare: cpuWait() })
    onLook(countsSince(start, now))
    before = now
  }
  return pace
}

export function countsSince(before: LinkCounts, now: LinkCounts): LinkCounts {
  const each = (a: readonly Carried[], b: readonly Carried[]): Carried[] =>
    b.map((carried, i) => carriedSince(a[i], carried))
  return {
    origin: carriedSince(before.origin, now.origin),
    wanIn: each(before.wanIn, now.wanIn),
    wanOut: each(before.wanOut, now.wanOut),
    hostIn: each(before.hostIn, now.hostIn),
  }
}

function carriedSince(before: Carried | undefined, now: Carried): Carried {
  return {
    wireBytes: now.wireBytes - (before?.wireBytes ?? 0),
    packets: now.packets - (before?.packets ?? 0),
    payloadBytes: now.payloadBytes - (before?.payloadBytes ?? 0),
    dropped: now.dropped - (before?.dropped ?? 0),
  }
}

/** By device. */
async function carriedIn(namespace: string): Promise<ReadonlyMap<string, Carried>> {
  const out = await runOk(['tc', '-n', namespace, '-s', '-j', 'qdisc', 'show'])
  const queues = JSON.parse(out) as readonly {
    readonly kind: string
    readonly dev: string
    readonly bytes: number
    readonly packets: number
    readonly drops: number
  }[]
  return new Map(
    queues
      .filter(({ kind }) => kind === 'tbf')
      .map(({ dev, bytes, packets, drops }) => [
        dev,
        {
          wireBytes: bytes,
          packets,
          payloadBytes: Math.max(0, bytes - HEADER_BYTES * packets),
          dropped: drops,
        },
      ]),
  )
}
