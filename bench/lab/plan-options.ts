/** The plan that options ask for. What is left to chance is drawn from the seed. Pure. */
import { seededRandom, type Random } from '../../src/core/random.ts'
import type { ClientKind } from './clients.ts'
import { arrivalsWithin, chosen } from './draw.ts'
import { cut, pair, positive, share, whole } from './option-readers.ts'
import type { HostPlan, LabPlan, SitePlan } from './plan.ts'

export interface PlanTexts {
  readonly sites: string
  readonly hosts: string
  readonly 'wan-mbit': string
  readonly 'lan-mbit': string
  readonly 'origin-mbit': string
  readonly 'slow-hosts'?: string | undefined
  readonly closed?: string | undefined
  readonly arrivals?: string | undefined
  readonly late?: string | undefined
  readonly kill?: string | undefined
  readonly 'origin-leaves'?: string | undefined
  readonly cut?: readonly string[] | undefined
  readonly poisoners: string
}

export function planOf(texts: PlanTexts, clients: readonly ClientKind[], seed: number): LabPlan {
  const counts = hostsPerSite(texts.sites, texts.hosts)
  const all = counts.reduce((sum, count) => sum + count, 0)
  const random = seededRandom(seed)
  const traits = traitsOf(texts, all, random)
  let number = 0
  const sites = counts.map((count, site): SitePlan => ({
    wanMbit: ofSite('wan-mbit', texts['wan-mbit'], site, counts.length),
    hosts: Array.from({ length: count }, (_, inSite) => ({
      ...traits(number++),
      client: clients[inSite % clients.length] ?? 'shoal',
    })),
  }))
  return {
    originMbit: positive('origin-mbit', texts['origin-mbit']),
    sites: withPoisoners(sites, whole('poisoners', texts.poisoners, 100), texts),
    cuts: (texts.cut ?? []).map((text) => cut(text, sites.length)),
    kill: texts.kill === undefined ? undefined : killOf(texts.kill),
    originLeavesAtCopies:
      texts['origin-leaves'] === undefined ? undefined : positive('origin-leaves', texts['origin-leaves']),
  }
}

/** What each host is like, by its number. */
function traitsOf(
  texts: PlanTexts,
  count: number,
  random: Random,
): (host: number) => Omit<HostPlan, 'client'> {
  const lanMbit = positive('lan-mbit', texts['lan-mbit'])
  const closed = new Set(
    texts.closed === undefined ? [] : chosen(count, share('closed', texts.closed), random),
  )
  const [slowCount, slowMbit] = pair('slow-hosts', texts['slow-hosts'] ?? '0@1')
  const slow = new Set(chosen(count, whole('slow-hosts', slowCount, count) / count, random))
  const arrivals =
    texts.arrivals === undefined ? [] : arrivalsWithin(positive('arrivals', texts.arrivals), count, random)
  const [lateShare, lateSeconds] = texts.late === undefined ? ['1', '0'] : pair('late', texts.late)
  const late = new Set(texts.late === undefined ? [] : chosen(count, share('late', lateShare), random))
  return (host) => ({
    lanMbit: slow.has(host) ? positive('slow-hosts', slowMbit) : lanMbit,
    arrivesAtSeconds: late.has(host) ? positive('late', lateSeconds) : (arrivals[host] ?? 0),
    acceptsConnections: !closed.has(host),
  })
}

/** One more host for each, site after site. */
function withPoisoners(sites: readonly SitePlan[], count: number, texts: PlanTexts): readonly SitePlan[] {
  const poisoner: HostPlan = {
    client: 'poisoner',
    lanMbit: positive('lan-mbit', texts['lan-mbit']),
    arrivesAtSeconds: 0,
    acceptsConnections: true,
  }
  return sites.map((site, i) => {
    const here = Math.floor((count - i - 1 + sites.length) / sites.length)
    return { ...site, hosts: [...site.hosts, ...Array.from({ length: here }, () => poisoner)] }
  })
}

function killOf(text: string): LabPlan['kill'] {
  const [hosts, progress] = pair('kill', text)
  return { shareOfHosts: share('kill', hosts), atProgress: share('kill', progress) }
}

/** `20`, or a number for each site: `20,20,2`. */
function ofSite(name: string, text: string, site: number, sites: number): number {
  const texts = text.split(',')
  if (texts.length !== 1 && texts.length !== sites)
    throw new RangeError(`--${name} ${text}: want one number, or one for each of ${sites} sites`)
  return positive(name, texts[texts.length === 1 ? 0 : site] ?? '')
}

/** `--hosts 4`, or a number for each site: `--hosts 1,2,8`. */
function hostsPerSite(sites: string, hosts: string): readonly number[] {
  const counts = hosts.split(',').map((text) => positive('hosts', text) && whole('hosts', text, 250))
  if (counts.length > 1) return counts
  return Array.from({ length: positive('sites', sites) && whole('sites', sites, 250) }, () => counts[0] ?? 0)
}
