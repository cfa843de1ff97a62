/** A torrent before anything has happened to it. */
import { messageOf } from '../core/errors.ts'
import { millis } from '../core/units.ts'
import type { AddTorrent } from './engine-types.ts'
import { KnownPeers } from './known-peers.ts'
import { TorrentLimits } from './limiting/torrent-limits.ts'
import type { Peer, PeerOwner } from './peer.ts'
import { Readers } from './readers.ts'
import { SourceMap } from './peer-source.ts'
import { RateMeter } from './rate-meter.ts'
import { SwarmMemory } from './swarm-memory.ts'
import type { SwarmEvent } from './swarm-event.ts'
import { Spender } from './spending.ts'
import type { Shared, SwarmState } from './swarm-state.ts'
import { TrafficLedger } from './traffic-ledger.ts'
import { WebSeeding } from './web-seeding.ts'

export interface StateOwner {
  readonly owner: PeerOwner
  readonly post: (event: SwarmEvent) => void
}

export function createState(shared: Shared, spec: AddTorrent, { owner, post }: StateOwner): SwarmState {
  const sources = new SourceMap(shared.ownAddresses)
  const limits = limitsOf(shared, spec, { sources, post })
  return {
    shared,
    spec,
    owner,
    post,
    emit: emitter(shared, spec),
    aborter: new AbortController(),
    peers: new Map(),
    known: new KnownPeers(),
    sources,
    limits,
    reading: new Spender(limits, 'up'),
    meterDown: new RateMeter(),
    meterUp: new RateMeter(),
    from: { site: 0, otherSites: 0, origin: 0 },
    traffic: new TrafficLedger(),
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

function limitsOf(
  shared: Shared,
  spec: AddTorrent,
  { sources, post }: Pick<SwarmState, 'sources' | 'post'>,
): TorrentLimits<Peer | Spender> {
  const { limits: engine, siteOf, whereabouts } = shared
  return new TorrentLimits<Peer | Spender>(
    {
      engine,
      siteOf,
      isNear: (host) => whereabouts.isNear(host, sources),
      onTurn(carrier, way) {
        if (carrier instanceof Spender) carrier.resume()
        else post({ kind: 'limit-lifted', peer: carrier, way })
      },
    },
    { down: spec.limitDown, up: spec.limitUp },
  )
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
