import { ipAddress, type IpAddress } from '../../core/address.ts'
import { parseDuration } from '../../core/quantity-text.ts'
import type { Torrent } from '../../core/metainfo.ts'
import { millis, type Millis } from '../../core/units.ts'
import {
  fetchRelease,
  parseTarget,
  recordDir,
  resolve,
  type Fetched,
  type GetListener,
  type Resolved,
} from '../../client/index.ts'
import { lockFolder } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { sleep } from '../../platform/clock.ts'
import { PortalClient, TrustStore } from '../../portal-client/index.ts'
import type { Engine, TorrentHandle, TorrentStats } from '../../swarm/index.ts'
import type { Context } from '../context.ts'
import { startPeerEngine, type PeerOptions } from '../engine.ts'
import { clientLimits, type LimitFlags } from '../limit-flags.ts'
import type { OwnDevice } from '../own-device.ts'
import { type Granted, keepGranted } from '../granted.ts'
import { readLine } from '../stdin.ts'
import { reportTransfers } from '../transfer-reports.ts'
import { bytesText, durationText, percentText, rateText } from '../text.ts'
import { ShoalError } from '../../core/errors.ts'

export interface GetCommandOptions extends LimitFlags {
  readonly out: string
  readonly files: readonly string[]
  readonly seed?: string
  readonly peerPort?: number
  readonly bind?: string
  readonly overwrite?: boolean
  readonly unsigned?: boolean
  readonly trust?: string
}

/** `shoal get`: resolves when every file is verified and in place, and the time to seed is over. */
export async function get(context: Context, what: string, given: object): Promise<void> {
  const options = given as GetCommandOptions
  const seedFor =
    options.seed === undefined || options.seed === 'forever' ? options.seed : parseDuration(options.seed)
  const signal = untilStopped({ forcedExitCode: 5 })
  await using stack = new AsyncDisposableStack()
  const opened = await openRelease(context, { what, options, folderOf: () => options.out }, stack, signal)
  const fetched = await fetchRelease(
    opened.resolved,
    { clock: context.clock, engine: opened.engine, dataDir: context.dataDir },
    {
      folder: opened.folder,
      globs: options.files,
      overwrite: options.overwrite ?? false,
      announce: opened.granted.announce,
      permit: opened.granted.permit,
    },
    opened.listener,
    signal,
  )
  report(context, fetched)
  await seedOn(context, fetched, seedFor, signal)
}

export interface OpenedRelease {
  readonly resolved: Resolved
  readonly engine: Engine
  readonly granted: Granted
  readonly folder: string
  /** What the person hears; what the transfer does is told to the portal. */
  readonly listener: GetListener
}

export interface ReleaseToOpen {
  /** As `shoal get` is given it. */
  readonly what: string
  readonly options: Omit<GetCommandOptions, 'out' | 'files' | 'seed'>
  /** Where it lands. */
  readonly folderOf: (resolved: Resolved) => string
  /** Done at the end, while nobody else may write there and nothing of ours does any more. */
  readonly atEnd?: (folder: string, recorded: string) => Promise<void>
}

/** A release that may be fetched, its folder ours alone, and an engine; all of it ends with `stack`. */
export async function openRelease(
  context: Context,
  { what, options, folderOf, atEnd }: ReleaseToOpen,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<OpenedRelease> {
  const target = parseTarget(what === '-' ? await readLine() : what)
  const bind = options.bind === undefined ? undefined : ipAddress(options.bind)
  const log = await context.quietLog()
  let own: OwnDevice | undefined

  const resolved = await resolve(
    target,
    {
      trust: new TrustStore(context.dataDir),
      client: (portal) => clientFor(context, portal, bind),
      device: async (client) => {
        const { startOwnDevice } = await import('../own-device.ts')
        own = stack.use(await startOwnDevice(context, { client, log }, signal))
        return own.device.id
      },
      from: bind === undefined ? {} : { localAddress: bind },
    },
    {
      unsigned: options.unsigned ?? false,
      ...(options.trust === undefined ? {} : { trust: options.trust }),
    },
    signal,
  )
  if (resolved.newlyTrusted !== undefined) {
    context.output.event({ event: 'trusted', portal: resolved.newlyTrusted })
    context.output.note(
      `${resolved.newlyTrusted} is trusted from now on (it is the first portal that this machine meets)`,
    )
  }
  // Two processes must not write the same files; this ends with the process, however that ends.
  const folder = folderOf(resolved)
  const recorded = recordDir(context.dataDir, resolved.infoHash, folder)
  stack.use(await lockFolder(recorded))
  if (atEnd !== undefined) stack.defer(() => atEnd(folder, recorded))
  const engine = stack.use(
    await startPeerEngine(context, log, {
      ...peerOptions(options, bind),
      ...(own === undefined ? {} : { guard: own.guard }),
    }),
  )
  const granted = stack.use(keepGranted({ clock: context.clock, random: context.random, log }, resolved))
  const reports = stack.use(await reportTransfers(context, { log, granted, from: bind }))
  const listener = {
    ...listenerOf(context),
    onTorrent: (_torrent: Torrent, handle: TorrentHandle) => reports.watch(handle),
  }
  return { resolved, engine, granted, folder, listener }
}

function peerOptions(options: ReleaseToOpen['options'], bind: IpAddress | undefined): PeerOptions {
  return {
    ...(options.peerPort === undefined ? {} : { peerPort: options.peerPort }),
    ...(bind === undefined ? {} : { bind }),
    ...clientLimits(options),
  }
}

/** The person's portal, or the one whose page was given. */
async function clientFor(
  context: Context,
  portal: string | undefined,
  bind: IpAddress | undefined,
): Promise<PortalClient> {
  const token = await context.token()
  const baseUrl = portal ?? (await context.portalUrl())
  if (token === undefined) {
    throw new ShoalError(
      'not-authenticated',
      `no API token for ${baseUrl}: give one with --token-file FILE, or a link in place of the bundle's name`,
    )
  }
  return new PortalClient({ baseUrl, token, ...(bind === undefined ? {} : { localAddress: bind }) })
}

function listenerOf(context: Context): GetListener {
  const { output } = context
  let state = ''
  let saidAt = context.clock.now()
  return {
    onState(next, fraction) {
      if (next !== state) output.event({ event: 'state', state: next })
      state = next
      if (next === 'checking' && fraction > 0) output.bar(fraction, 'checking what is there')
    },
    onProgress(stats) {
      output.event({
        event: 'progress',
        bytes: stats.haveBytes,
        total: stats.wantedBytes,
        downBps: Math.round(stats.downBps),
        upBps: Math.round(stats.upBps),
        peers: stats.peers,
      })
      output.bar(stats.wantedBytes === 0 ? 1 : stats.haveBytes / stats.wantedBytes, progressText(stats))
      if (output.isInteractive || context.clock.now() - saidAt < 10_000) return
      saidAt = context.clock.now()
      output.note(`${percentText(stats.haveBytes, stats.wantedBytes)}  ${progressText(stats)}`)
    },
    onStall(sentence) {
      output.event({ event: 'stalled', reason: sentence })
      if (!output.json) output.warn(`nothing moves: ${sentence}`)
    },
    onNote(sentence) {
      output.event({ event: 'note', text: sentence })
      if (!output.json) output.warn(sentence)
    },
  }
}

function progressText(stats: TorrentStats): string {
  const left = stats.wantedBytes - stats.haveBytes
  const time = stats.downBps > 0 ? ` · ${durationText((1_000 * left) / stats.downBps)} left` : ''
  const { site, otherSites, origin } = stats.peers
  const share = percentText(stats.from.site + stats.from.otherSites, receivedOf(stats))
  return (
    `${bytesText(stats.haveBytes)} of ${bytesText(stats.wantedBytes)} · ${rateText(stats.downBps)}${time} · ` +
    `${share} from colleagues · peers: ${site} here, ${otherSites} elsewhere, ${origin} server · up ${rateText(stats.upBps)}`
  )
}

const receivedOf = ({ from, fromWebSeeds }: TorrentStats): number =>
  from.site + from.otherSites + from.origin + fromWebSeeds

export function report(context: Context, fetched: Fetched): void {
  const { stats, files } = fetched
  const elapsedSeconds = process.uptime()
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  context.output.clearBar()
  context.output.event({
    event: 'done',
    sizeBytes,
    seconds: Math.round(elapsedSeconds * 1_000) / 1_000,
    from: { ...stats.from, webSeed: stats.fromWebSeeds },
    uploadedBytes: stats.uploadedBytes,
    wastedBytes: stats.wastedBytes,
    infohash: fetched.torrent.infoHash,
    files,
  })
  const fetchedBytes = receivedOf(stats)
  const share =
    fetchedBytes === 0
      ? 'all of it was here already'
      : `${percentText(stats.from.site + stats.from.otherSites, fetchedBytes)} from colleagues`
  context.output.line(`${bytesText(sizeBytes)} in ${durationText(elapsedSeconds * 1_000)}, ${share}`)
}

async function seedOn(
  context: Context,
  fetched: Fetched,
  seedFor: Millis | 'forever' | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (seedFor === undefined) {
    await fetched.handle.stop()
    return
  }
  const until = seedFor === 'forever' ? 'until it is stopped' : `for ${durationText(seedFor)}`
  context.output.note(`serving it to others ${until} (Ctrl-C ends it)`)
  context.output.event({ event: 'seeding' })
  try {
    // A timer holds at most 2^31 ms; "forever" is a timer again and again.
    const day = millis(86_400_000)
    for (let left: number = seedFor === 'forever' ? Infinity : seedFor; left > 0; left -= day) {
      await sleep(context.clock, millis(Math.min(left, day)), signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  const { uploadedBytes } = fetched.handle.stats()
  await fetched.handle.stop()
  context.output.event({ event: 'stopped', uploadedBytes })
  context.output.line(`${bytesText(uploadedBytes)} given to others`)
}
