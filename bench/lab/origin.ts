/** Who has the content at the start, and the tracker that names the peers to each other. */
import type { Host } from '../../test/support/namespaces.ts'
import type { StockKind } from '../../test/support/stock-clients.ts'
import type { Content } from './content.ts'
import type { LabHost, LabSite } from './topology.ts'

export interface OriginParts {
  readonly host: Host
  readonly namespace: string
  readonly sites: readonly LabSite[]
  readonly content: Content
  readonly workDir: string
}

export interface Origin extends AsyncDisposable {
  /** A .torrent for each host, by the host's name. */
  readonly torrents: ReadonlyMap<string, string>
  /** The processes, by what they do. */
  readonly pids: Readonly<Record<string, number>>
  /** Ends who sends the content, at once and without a word. With Shoal tracker and portal are the same process. */
  leave(): void
}

export type OriginKind = 'shoal' | Exclude<StockKind, 'qbittorrent'>
export const ORIGIN_KINDS = [
  'shoal',
  'libtorrent',
  'aria2',
  'transmission',
  'webtorrent',
] as const satisfies readonly OriginKind[]

export const hostsOf = (sites: readonly LabSite[]): readonly LabHost[] => sites.flatMap((site) => site.hosts)
