/** The tracker: who is where, told only to holders of grants. Frontend -> hooks -> store. */
export { createTracker, type Tracker, type TrackerParts } from './tracker.ts'
export { startTracker, type RunningTracker, type TrackerServiceOptions } from './service.ts'
export { trackerSettings, type TrackerSettings } from './settings.ts'
export { addTrackerMetrics, addUdpMetrics } from './metrics.ts'
export type { SiteSize } from './largest-sites.ts'
export { keptSwarmSecret } from './swarm-secret.ts'
export type { TrackerStats } from './tracker-core.ts'
export type { UdpPort, UdpStats } from './udp-service.ts'
