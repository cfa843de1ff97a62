/** The tracker's figures for Prometheus, read from `stats()` at each scrape of the metrics. */
import type { Metrics } from '../platform/metrics.ts'
import type { TrackerStats } from './tracker-core.ts'

export function addTrackerMetrics(metrics: Metrics, stats: () => TrackerStats): void {
  const gauge = (name: string, help: string, read: (now: TrackerStats) => number): void => {
    metrics.gauge({ name: `shoal_tracker_${name}`, help, read: () => read(stats()) })
  }
  gauge('swarms', 'Swarms that have a peer', (now) => now.swarms)
  gauge('peers', 'Peers in all swarms together', (now) => now.peers)
  gauge('announces', 'Announces since the start', (now) => now.announces)
  gauge('scrapes', 'Scrapes since the start', (now) => now.scrapes)
  gauge('refused', 'Announces and scrapes refused since the start', (now) =>
    Object.values(now.refused).reduce((sum, count) => sum + count, 0),
  )
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
