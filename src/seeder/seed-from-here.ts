/** A publisher's machine serves its release until an origin has it: announced with a link's grant. */
import type { Torrent } from '../core/metainfo.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Engine } from '../swarm/index.ts'
import { LinkUrls, type OwnDevice } from './link-urls.ts'
import type { Registered } from './register.ts'

export interface SeedParts {
  readonly clock: Clock
  readonly log: Logger
  readonly client: Pick<PortalClient, 'createLink'>
  readonly engine: () => Promise<Engine>
  readonly device?: OwnDevice | undefined
}

export interface SeedingFromHere extends AsyncDisposable {
  /** Payload that left this machine. */
  sentBytes(): number
}

/** Resolves when it serves. Ends, engine included, when it is disposed of. */
export async function seedFromHere(
  parts: SeedParts,
  place: Registered,
  torrent: Torrent,
  folder: string,
  signal: AbortSignal,
): Promise<SeedingFromHere> {
  const urls = await LinkUrls.open({ ...parts, portal: parts.client }, place, signal)
  await using stack = new AsyncDisposableStack()
  const engine = stack.use(await parts.engine())
  const handle = engine.add({
    infoHash: torrent.infoHash,
    torrent,
    folder,
    mode: 'seed',
    admit: place.admit,
    permit: urls.permit,
    announceUrls: urls.current,
    onEvent: (event) => {
      if (event.kind === 'content-changed')
        parts.log.error({ file: event.landingPath, reason: event.reason }, 'a file changed while it was sent')
      if (event.kind === 'announce-refused') void urls.refused(() => handle.announceNow())
    },
  })
  const running = stack.move()
  return {
    sentBytes: () => handle.stats().uploadedBytes,
    [Symbol.asyncDispose]: async () => {
      await handle.stop()
      await running.disposeAsync()
    },
  }
}
