/** The tracker: who is where, told only to holders of grants. Frontend -> hooks -> store. */
export { createTracker, type Tracker, type TrackerParts } from './tracker.ts'
export { startTracker, type RunningTracker, type TrackerServiceOptions } from './service.ts'
export { trackerSettings, type TrackerSettings } from './settings.ts'
export { keptSwarmSecret } from './swarm-secret.ts'
export { addTrackerMetrics } from './metrics.ts'
export type { TrackerStats } from './tracker-core.ts'
