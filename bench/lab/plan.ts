/** What a run is to be: who is where, over which links, and what befalls them. Numbers alone; nothing is started here. */
import type { ClientKind } from './clients.ts'

export interface HostPlan {
  /** A `poisoner` claims to have everything and sends noise; it is no peer of whom anything is measured. */
  readonly client: ClientKind | 'poisoner'
  readonly lanMbit: number
  /** Its program starts so many seconds after the run. */
  readonly arrivesAtSeconds: number
  /** Without, connections to it are dropped in silence by its kernel, as a firewall does. */
  readonly acceptsConnections: boolean
}

export interface SitePlan {
  readonly wanMbit: number
  readonly hosts: readonly HostPlan[]
}

/** What is dropped in silence for a while. Sites are counted from 0. */
export interface Cut {
  /** Two sites from each other, or sites from everything but themselves. */
  readonly between:
    | { readonly kind: 'pair'; readonly sites: readonly [number, number] }
    | { readonly kind: 'apart'; readonly sites: readonly number[] }
  readonly fromSeconds: number
  readonly untilSeconds: number
}

/** SIGKILL for a share of the hosts, at once, when the hosts have received this share of the content on average. */
export interface Kill {
  readonly shareOfHosts: number
  readonly atProgress: number
}

export interface LabPlan {
  readonly originMbit: number
  readonly sites: readonly SitePlan[]
  readonly cuts: readonly Cut[]
  readonly kill: Kill | undefined
  /** SIGKILL for the origin when it has sent so many copies. */
  readonly originLeavesAtCopies: number | undefined
}

/** One host of a plan, wherever it is; in the order in which all else counts hosts. */
export interface PlacedHost extends HostPlan {
  readonly site: number
}

export const placedHosts = ({ sites }: Pick<LabPlan, 'sites'>): readonly PlacedHost[] =>
  sites.flatMap(({ hosts }, site) => hosts.map((host) => ({ ...host, site })))

/** Those that are there to get the content. */
export const peersOf = (plan: Pick<LabPlan, 'sites'>): readonly PlacedHost[] =>
  placedHosts(plan).filter(({ client }) => client !== 'poisoner')
