/** The tracker's figures for Prometheus, read from `stats()` at each scrape of the metrics. */
import type { Metrics } from '../platform/metrics.ts'
import type { SiteSize } from './largest-sites.ts'
import type { TrackerStats } from './tracker-core.ts'
import type { UdpStats } from './udp-service.ts'

/** `peersBySite` is asked once a scrape. */
export function addTrackerMetrics(
  metrics: Metrics,
  stats: () => TrackerStats,
  peersBySite: () => readonly SiteSize[],
): void {
  const gauge = (name: string, help: string, read: (now: TrackerStats) => number): void => {
    metrics.gauge({ name: `shoal_tracker_${name}`, help, read: () => read(stats()) })
  }
  gauge('swarms', 'Swarms that have a peer', (now) => now.swarms)
  gauge('peers', 'Peers in all swarms together', (now) => now.peers)
  gauge('announces', 'Announces since the start', (now) => now.announces)
  metrics.gaugeBy({
    name: 'shoal_tracker_announce_outcomes',
    help: 'The same by how they were answered: admitted, or the kind of refusal',
    label: 'outcome',
    read: () => Object.entries(stats().outcomes),
  })
  gauge(
    'cross_site_introductions',
    'Peers told to machines of another site since the start',
    (now) => now.crossSiteIntroductions,
  )
  metrics.gaugeBy({
    name: 'shoal_tracker_site_peers',
    help: 'Peers by site: the 100 largest, and all others together',
    label: 'site',
    read: () => peersBySite().map(({ site, peers }) => [site, peers] as const),
  })
  gauge('scrapes', 'Scrapes since the start', (now) => now.scrapes)
  metrics.gaugeBy({
    name: 'shoal_tracker_refused',
    help: 'Requests refused since the start, of every kind, with those that could not be read',
    label: 'kind',
    read: () => Object.entries(stats().refused),
  })
  gauge('verified_grants', 'Grants whose signature is remembered as good', (now) => now.verifiedGrants)
  gauge('websockets', 'WebSockets of browsers that are open', (now) => now.sockets)
  gauge('browser_peers', 'Browsers in all swarms together', (now) => now.browserPeers)
  gauge(
    'offers_passed_on',
    'Offers of browsers handed to others since the start',
    (now) => now.offersPassedOn,
  )
  gauge('answers_passed_on', 'Answers to them handed back since the start', (now) => now.answersPassedOn)
  gauge('pending_verifications', 'Signatures under verification', (now) => now.pendingVerifications)
}

/** What only UDP has; its announces and scrapes are counted with all others. */
export function addUdpMetrics(metrics: Metrics, stats: () => UdpStats): void {
  const gauge = (name: string, help: string, read: (now: UdpStats) => number): void => {
    metrics.gauge({ name: `shoal_tracker_udp_${name}`, help, read: () => read(stats()) })
  }
  gauge('connects', 'Connection ids given out since the start', (now) => now.connects)
  gauge('unproved', 'Datagrams with a bad or expired connection id since the start', (now) => now.unproved)
  gauge('ignored', 'Datagrams that were no requests since the start', (now) => now.ignored)
  gauge('dropped', 'Requests dropped since too many waited for a signature', (now) => now.dropped)
  gauge('unsent', 'Replies that the system did not take since the start', (now) => now.unsent)
}
