/** An origin: everything the data folder holds, kept available; a library watched; wanted releases fetched. */
import { join } from 'node:path'
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Random } from '../core/random.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { onNewEpoch, TransferReporter, type ControlView } from '../portal-client/index.ts'
import type { Engine } from '../swarm/index.ts'
import { WantedFetcher } from './fetch-wanted.ts'
import { pruneJournals } from './hash-journal.ts'
import { HashPool } from './hash-pool.ts'
import { Library, type EntryProblem } from './library.ts'
import { MediaWork } from './media/media-work.ts'
import type { SeederPortal } from './portal.ts'
import { PresenceReporter, type Served } from './presence.ts'
import { ReleaseStore } from './release-store.ts'
import { watchRevocations } from './revocations.ts'
import { startRollingCheck } from './rolling-check.ts'
import { ReleaseMaker } from './release-maker.ts'
import { Scrub } from './scrub.ts'
import { ServerLibrary } from './server-library.ts'
import { Shelf } from './shelf.ts'
import { watchStore } from './watch-store.ts'

export interface SeederParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The data folder; the seeder's part of it is `DATA/seeder`. */
  readonly dataDir: string
  /** With a token of the role `origin`. */
  readonly client: SeederPortal
  readonly control: ControlView
  readonly engine: Engine
}

export interface SeederOptions {
  /** A folder of media; none when absent. */
  readonly library?: string
  /** False: nothing in it is published by itself, and publishers choose from it. Absent: all of it is. */
  readonly isLibraryAutomatic?: boolean
  /** Groups that may see what the library publishes. */
  readonly audience: readonly string[]
  /** Who vouches for the library's content. */
  readonly rightsStatement: string
  /** How fast what is served is read in turn, to find rot; absent or 0: never. */
  readonly scrubBytesPerSecond?: number
  readonly presenceKind: 'origin' | 'mirror'
  /** Where peers dial us; without it the address from which the portal sees us. */
  readonly peerHost?: IpAddress
}

export interface ServedContent {
  readonly torrent: Torrent
  /** Its files lie at `folder/name`, or `folder/name/path`. */
  readonly folder: string
}

export interface Seeder extends AsyncDisposable {
  /** Makes releases for whoever publishes through the portal. */
  readonly maker: ReleaseMaker
  /** What is told to the portal now. */
  served(): Served
  /** What any client may have of here, whole; undefined for anything else. */
  contentOf(hash: InfoHash): Promise<ServedContent | undefined>
  /** Library entries that are not published, and why. */
  problems(): EntryProblem[]
  /** Resolves when all library entries known now are published, refused or gone. */
  idle(): Promise<void>
}

/** `DATA/seeder` and what is in it. */
export function seederFolders(dataDir: string): { readonly folder: string; readonly journal: string } {
  const folder = join(dataDir, 'seeder')
  return { folder, journal: join(folder, 'journal') }
}

/**
 * Resolves when every stored release and every library entry was looked at once: what is unchanged is served
 * and reported, new entries are being hashed. Never throws for an unreachable portal: it keeps trying.
 *
 * @throws ShoalError `bad-usage` when the library folder does not exist.
 */
export async function startSeeder(parts: SeederParts, options: SeederOptions): Promise<Seeder> {
  const { clock, log, client: portal, control, engine } = parts
  const { folder, journal: journalFolder } = seederFolders(parts.dataDir)
  await using stack = new AsyncDisposableStack()
  const store = await ReleaseStore.open({ log, folder })
  await pruneJournals(journalFolder, clock.epoch())

  const onChange = (): void => reporter.soon()
  const leaseUrl = (): string | undefined => reporter.leaseUrl
  const served = (): Served => ({
    complete: shelf.complete(),
    partial: fetcher.partial().filter((hash) => !shelf.serves(hash)),
    missing: [...shelf.missing(), ...fetcher.missing().filter(({ infohash }) => !shelf.serves(infohash))],
  })
  const shelf: Shelf = stack.use(new Shelf({ log, engine, store, control, leaseUrl, onChange }))
  const presence = {
    kind: options.presenceKind,
    ...(options.peerHost === undefined ? {} : { host: options.peerHost }),
  }
  const reporter = stack.use(new PresenceReporter({ clock, log, portal, engine, served }, presence))
  const media = stack.use(await MediaWork.open({ clock, log, portal, store, shelf, folder }))
  const look = async (hash: Parameters<Shelf['look']>[0]): Promise<void> => {
    await shelf.look(hash)
    media.look(hash)
  }
  const looking = { look, serves: shelf.serves.bind(shelf) }
  const fetcher = stack.use(
    new WantedFetcher({ clock, log, portal, control, engine, store, shelf: looking, folder, onChange }),
  )

  stack.use(tellWhatIsSent({ clock, random: parts.random, log, portal, engine, shelf }))

  await shelf.fill()
  media.fill()
  stack.use(watchStore({ clock, log, store, onRelease: look }))
  const pool = stack.use(new HashPool())
  stack.use(startRollingCheck({ clock, log, store, shelf, findTouched: pool.findTouched }))
  stack.defer(
    control.onChange((events) => {
      for (const event of events) {
        reporter.onRevoked(event)
        if (event.kind === 'recalled')
          look(event.infohash).catch((error: unknown) =>
            log.error({ infohash: event.infohash, err: error }, 'a recalled release could not be looked at'),
          )
      }
      fetcher.look()
    }),
  )
  stack.use(watchRevocations({ clock, control, engine }))
  stack.defer(onNewEpoch(control, () => engine.reannounce()))
  await reporter.start()
  fetcher.look()

  const { scrubBytesPerSecond: bytesPerSecond = 0 } = options
  if (bytesPerSecond > 0)
    stack.use(await Scrub.start({ clock, log, store, shelf, pool, folder }, { bytesPerSecond }))
  const chosenFrom =
    options.library === undefined || options.isLibraryAutomatic !== false
      ? undefined
      : await ServerLibrary.open(options.library, { store, dataDir: parts.dataDir })
  const making = { clock, pool, store, journalFolder, shelf: looking }
  const maker = new ReleaseMaker({ ...making, ...(chosenFrom !== undefined && { library: chosenFrom }) })
  const library =
    options.library === undefined || chosenFrom !== undefined
      ? undefined
      : await Library.open(
          { ...making, log, portal },
          { folder: options.library, audience: options.audience, rightsStatement: options.rightsStatement },
        )
  if (library !== undefined) stack.use(library)
  const running = stack.move()
  return {
    maker,
    served,
    contentOf: async (hash) => {
      const record = store.get(hash)
      if (record === undefined || !shelf.serves(hash) || record.admit === 'ours') return undefined
      return { torrent: await store.torrentOf(hash), folder: record.contentFolder }
    },
    problems: () => library?.problems() ?? [],
    idle: () => library?.idle() ?? Promise.resolve(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Bytes by release and by who got them; what an origin itself fetches is nobody's delivery. */
function tellWhatIsSent(
  parts: Pick<SeederParts, 'clock' | 'random' | 'log' | 'engine'> & {
    readonly portal: Pick<SeederPortal, 'reportTransfers'>
    readonly shelf: Shelf
  },
): TransferReporter {
  const { engine, portal, shelf } = parts
  const reporter = new TransferReporter(
    {
      ...parts,
      *sources() {
        for (const handle of shelf.handles())
          yield {
            infohash: handle.infoHash,
            tellsWhatItHas: false,
            now: () => ({ haveBytes: 0, webSeedBytes: 0, ends: handle.takeTraffic() }),
          }
      },
      send: (items, signal) => portal.reportTransfers({ peerId: engine.peerId, items }, signal),
    },
    { endsWhenRefused: false },
  )
  reporter.start()
  return reporter
}
