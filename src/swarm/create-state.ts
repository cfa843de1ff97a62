/** A torrent before anything has happened to it. */
import { messageOf } from '../core/errors.ts'
import { millis } from '../core/units.ts'
import type { AddTorrent } from './engine-types.ts'
import { KnownPeers } from './known-peers.ts'
import type { PeerOwner } from './peer.ts'
import { Readers } from './readers.ts'
import { SourceMap } from './peer-source.ts'
import { RateMeter } from './rate-meter.ts'
import { SwarmMemory } from './swarm-memory.ts'
import type { SwarmEvent } from './swarm-event.ts'
import type { Shared, SwarmState } from './swarm-state.ts'
import { WebSeeding } from './web-seeding.ts'

export interface StateOwner {
  readonly owner: PeerOwner
  readonly post: (event: SwarmEvent) => void
}

export function createState(shared: Shared, spec: AddTorrent, { owner, post }: StateOwner): SwarmState {
  return {
    shared,
    spec,
    owner,
    post,
    emit: emitter(shared, spec),
    aborter: new AbortController(),
    peers: new Map(),
    known: new KnownPeers(),
    sources: new SourceMap(shared.ownAddresses),
    meterDown: new RateMeter(),
    meterUp: new RateMeter(),
    from: { site: 0, otherSites: 0, origin: 0 },
    phase: spec.mode === 'seed' && spec.torrent !== undefined ? 'asleep' : 'metadata',
    torrent: spec.torrent,
    loaded: undefined,
    metadata: undefined,
    announcer: undefined,
    admission: undefined,
    memory: new SwarmMemory(shared.clock.now()),
    webSeeding: spec.webSeeds?.length ? new WebSeeding(spec.webSeeds) : undefined,
    readers: new Readers(),
    uploadedBytes: 0,
    wastedBytes: 0,
    failedHashes: 0,
    writing: 0,
    writes: new Set(),
    refused: [],
    isStorageFailing: false,
    retryTimer: undefined,
    isStateDirty: false,
    isStorageLost: false,
    unsyncedBytes: 0,
    syncing: undefined,
    isSavingState: undefined,
    stateSavedAt: shared.clock.now(),
    rechokedAt: shared.clock.now(),
    newcomerAt: millis(0),
    needsFill: false,
    untold: [],
    tellTimer: undefined,
    site: undefined,
    siteTimer: undefined,
    isHelloDue: false,
    reveal: undefined,
    revealTimer: undefined,
    needsReveal: false,
  }
}

/** A listener that throws is somebody else's bug: it must not take the swarm with it. */
function emitter(shared: Shared, spec: AddTorrent): SwarmState['emit'] {
  return (event) => {
    try {
      spec.onEvent?.(event)
    } catch (error) {
      shared.log.error({ err: error, event: event.kind }, `a listener failed: ${messageOf(error)}`)
    }
  }
}
