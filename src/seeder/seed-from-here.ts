/** A publisher's machine serves its release until an origin has it: announced with a link's grant. */
import { messageOf } from '../core/errors.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Logger } from '../platform/log.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Engine } from '../swarm/index.ts'
import { parseMagnet } from '../wire/magnet.ts'
import type { Registered } from './register.ts'

export interface SeedParts {
  readonly log: Logger
  readonly client: Pick<PortalClient, 'createLink'>
  readonly engine: () => Promise<Engine>
}

export interface SeedingFromHere extends AsyncDisposable {
  /** Payload that left this machine. */
  sentBytes(): number
}

/** Sending a large release over a slow line takes days; a refused grant is replaced by a fresh one. */
const GRANT_SECONDS = 7 * 24 * 3_600

/** Resolves when it serves. Ends, engine included, when it is disposed of. */
export async function seedFromHere(
  parts: SeedParts,
  place: Registered,
  torrent: Torrent,
  folder: string,
  signal: AbortSignal,
): Promise<SeedingFromHere> {
  const trackers = async (): Promise<readonly (readonly string[])[]> => {
    const link = await parts.client.createLink(
      place.bundle,
      place.release,
      { expiresInSeconds: GRANT_SECONDS },
      signal,
    )
    return [parseMagnet(link.magnet).trackers]
  }
  let urls = await trackers()
  await using stack = new AsyncDisposableStack()
  const engine = stack.use(await parts.engine())
  const handle = engine.add({
    infoHash: torrent.infoHash,
    torrent,
    folder,
    mode: 'seed',
    announceUrls: () => urls,
    onEvent: (event) => {
      if (event.kind === 'content-changed')
        parts.log.error({ file: event.landingPath, reason: event.reason }, 'a file changed while it was sent')
      if (event.kind === 'announce-refused') void renew()
    },
  })
  const renew = async (): Promise<void> => {
    try {
      urls = await trackers()
      handle.announceNow()
    } catch (error) {
      parts.log.warn({ reason: messageOf(error) }, 'no fresh grant to announce with')
    }
  }
  const running = stack.move()
  return {
    sentBytes: () => handle.stats().uploadedBytes,
    [Symbol.asyncDispose]: async () => {
      await handle.stop()
      await running.disposeAsync()
    },
  }
}
