/** Fetches a little of the release into a folder of its own that is removed afterwards, to see what peers send. */
import { messageOf } from '../../core/errors.ts'
import { landingPath, type Metainfo } from '../../core/metainfo.ts'
import { join } from 'node:path'
import { MiB, seconds, type Millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Engine, TorrentEvent, TorrentHandle } from '../../swarm/index.ts'
import type { Resolved } from '../resolve.ts'
import type { TransferFacts } from './facts.ts'

/** Verified bytes after which there is nothing to learn. */
const ENOUGH_BYTES = 32 * MiB
const TRIAL: Millis = seconds(15)

export interface TrialParts {
  readonly clock: Clock
  /** With a limit on what it takes in: this is a trial. */
  readonly engine: Engine
  /** Empty, and the caller's to remove. */
  readonly folder: string
}

export async function examineTransfer(
  resolved: Resolved,
  parts: TrialParts,
  signal: AbortSignal,
): Promise<TransferFacts> {
  const { clock, engine, folder } = parts
  const banned: { address: Extract<TorrentEvent, { kind: 'peer-banned' }>['address']; reason: string }[] = []
  const over = Promise.withResolvers<{ failure?: string; isComplete: boolean }>()
  let wanted = resolved.torrent === undefined ? undefined : smallestFile(resolved.torrent.metainfo)
  const handle: TorrentHandle = engine.add({
    infoHash: resolved.infoHash,
    ...(resolved.torrent !== undefined && { torrent: resolved.torrent }),
    folder,
    mode: 'download',
    statePath: join(folder, 'state'),
    wants: (path) => wanted === undefined || path === wanted,
    announceUrls: () => resolved.announce,
    ...(resolved.ours !== undefined && { admit: 'ours' as const, permit: () => resolved.ours?.permit }),
    onEvent: (event) => {
      if (event.kind === 'metadata') wanted = smallestFile(event.torrent.metainfo)
      if (event.kind === 'peer-banned') banned.push({ address: event.address, reason: event.reason })
      if (event.kind === 'complete') over.resolve({ isComplete: true })
      if (event.kind === 'failed') over.resolve({ isComplete: false, failure: messageOf(event.error) })
      if (event.kind === 'storage-failed') over.resolve({ isComplete: false, failure: event.reason })
    },
  })
  const stop = (): void => {
    over.resolve({ isComplete: false })
  }
  const timer = clock.after(TRIAL, stop)
  const ticker = clock.every(seconds(1), () => {
    if (handle.stats().haveBytes >= ENOUGH_BYTES) stop()
  })
  signal.addEventListener('abort', stop, { once: true })
  try {
    const end = await over.promise
    return { haveBytes: handle.stats().haveBytes, banned, ...end }
  } finally {
    timer.cancel()
    ticker.cancel()
    signal.removeEventListener('abort', stop)
    await handle.stop()
  }
}

/** By landing path: the least that can be fetched whole. */
function smallestFile(metainfo: Metainfo): string | undefined {
  const [smallest] = metainfo.files
    .filter((file) => file.sizeBytes > 0)
    .toSorted((a, b) => a.sizeBytes - b.sizeBytes)
  return smallest === undefined ? undefined : landingPath(metainfo, smallest)
}
