/**
 * What the kernel counted on the shaped links. A count is of frames as they went over the wire; what remains of them
 * without the headers of Ethernet, IP and TCP is what a swarm chose to send (content, protocol, announces), and is
 * what "copies" are of. Losses are counted where they occur: who sends again, pays again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { runOk } from '../../test/support/processes.ts'
import type { LabNetwork, LinkEnd } from './topology.ts'

/** Ethernet 14, IPv4 20, TCP 20 and its timestamps 12. An acknowledgement alone thus comes to nothing. */
const HEADER_BYTES = 66

export interface Carried {
  readonly wireBytes: number
  readonly payloadBytes: number
  readonly dropped: number
}

export interface LinkCounts {
  readonly origin: Carried
  /** In the order of the network's sites. */
  readonly wanIn: readonly Carried[]
  readonly wanOut: readonly Carried[]
}

export const PACE_MS = 2_000

/** What the links have carried since they were made. */
export async function countLinks(network: LabNetwork): Promise<LinkCounts> {
  const [origin, wanIn, wanOut] = await Promise.all([
    carriedBy(network.originOut),
    Promise.all(network.sites.map((site) => carriedBy(site.wanIn))),
    Promise.all(network.sites.map((site) => carriedBy(site.wanOut))),
  ])
  return { origin, wanIn, wanOut }
}

/** What they carried in each {@link PACE_MS}, until the signal is aborted. */
export async function watchPace(network: LabNetwork, signal: AbortSignal): Promise<LinkCounts[]> {
  const pace: LinkCounts[] = []
  let before = await countLinks(network)
  for (let next = performance.now() + PACE_MS; !signal.aborted; next += PACE_MS) {
    const isWhole = await wait(Math.max(0, next - performance.now()), true, { signal }).catch(() => false)
    const now = await countLinks(network)
    if (isWhole) pace.push(countsSince(before, now))
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
  }
}

function carriedSince(before: Carried | undefined, now: Carried): Carried {
  return {
    wireBytes: now.wireBytes - (before?.wireBytes ?? 0),
    payloadBytes: now.payloadBytes - (before?.payloadBytes ?? 0),
    dropped: now.dropped - (before?.dropped ?? 0),
  }
}

async function carriedBy({ namespace, device }: LinkEnd): Promise<Carried> {
  const out = await runOk(['tc', '-n', namespace, '-s', '-j', 'qdisc', 'show', 'dev', device])
  const queues = JSON.parse(out) as readonly {
    readonly kind: string
    readonly bytes: number
    readonly packets: number
    readonly drops: number
  }[]
  const bucket = queues.find((queue) => queue.kind === 'tbf')
  if (bucket === undefined) throw new Error(`${namespace} ${device} is not shaped: ${out}`)
  const { bytes, packets, drops } = bucket
  return { wireBytes: bytes, payloadBytes: Math.max(0, bytes - HEADER_BYTES * packets), dropped: drops }
}
