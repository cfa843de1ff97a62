/** `shoal play`: starts a player on a release that is being fetched, and ends with it. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { playRelease, recordDir, type Playing } from '../../client/index.ts'
import { messageOf, ShoalError, systemCode } from '../../core/errors.ts'
import { infoHash } from '../../core/ids.ts'
import { lockFolder } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import type { Context } from '../context.ts'
import { findPlayer, type MediaPlayer, type PlayerName, startPlayer } from '../media-player.ts'
import { bytesText } from '../text.ts'
import { openRelease, report, type ReleaseToOpen } from './get.ts'

type PlayCommandOptions = ReleaseToOpen['options'] & {
  readonly file?: string
  readonly player: PlayerName | 'auto' | 'none'
  readonly out?: string
  readonly port?: number
}

const PLAYERS: readonly PlayerName[] = ['mpv', 'vlc']

/** Resolves when the player was closed, or at the first SIGINT or SIGTERM once it plays. */
export async function play(context: Context, what: string, given: object): Promise<void> {
  const options = given as PlayCommandOptions
  const { out } = options
  const signal = untilStopped({ forcedExitCode: 5 })
  const player = await playerOf(options.player, context)
  await using stack = new AsyncDisposableStack()
  const opened = await openRelease(
    context,
    {
      what,
      options,
      folderOf: ({ infoHash: hash }) => out ?? join(playedIn(context), hash),
      ...(out === undefined ? { atEnd: removeAll } : {}),
    },
    stack,
    signal,
  )
  const playing = stack.use(
    await playRelease(
      opened.resolved,
      { clock: context.clock, engine: opened.engine, dataDir: context.dataDir },
      {
        folder: opened.folder,
        overwrite: options.overwrite ?? false,
        announce: opened.granted.announce,
        permit: opened.granted.permit,
        port: options.port ?? 0,
        ...(options.file === undefined ? {} : { glob: options.file }),
      },
      opened.listener,
      signal,
    ),
  )
  announce(context, playing)
  const listPath = join(recordDir(context.dataDir, opened.resolved.infoHash, opened.folder), 'play.m3u')
  const open =
    player === undefined
      ? undefined
      : stack.use(await startPlayer(player, { url: playing.url, listPath }, context))
  const fetching = playing.fetched.then((fetched) => report(context, fetched))
  fetching.catch(() => undefined) // heard below: it may fail before
  if (out === undefined) await removeLeftovers(context, opened.resolved.infoHash)
  await untilClosed(open, fetching, signal)
}

/** All that is played without `--out`, a folder each. */
const playedIn = (context: Context): string => join(context.dataDir, 'played')

async function playerOf(
  asked: PlayCommandOptions['player'],
  { env }: Context,
): Promise<{ name: PlayerName; path: string } | undefined> {
  if (asked === 'none') return undefined
  for (const name of asked === 'auto' ? PLAYERS : [asked]) {
    const path = await findPlayer(name, env)
    if (path !== undefined) return { name, path }
  }
  if (asked === 'auto') return undefined
  throw new ShoalError('not-found', `${asked} is not installed: play it with another --player, or with none`)
}

function announce({ output }: Context, { url, file }: Playing): void {
  output.event({ event: 'playing', url, file: file.path, sizeBytes: file.sizeBytes })
  output.line(url)
  output.note(
    `${file.path} (${bytesText(file.sizeBytes)}) is served there until the player is closed, or Ctrl-C`,
  )
}

/** What cannot go on ends it also while a player runs: it would wait for ever. */
async function untilClosed(
  player: MediaPlayer | undefined,
  fetching: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stopped = Promise.withResolvers<undefined>()
  const failed = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => stopped.resolve(undefined), { once: true })
  if (signal.aborted) stopped.resolve(undefined)
  fetching.catch((error: unknown) => {
    if (!signal.aborted) failed.reject(error)
  })
  await Promise.race([stopped.promise, failed.promise, ...(player === undefined ? [] : [player.closed])])
}

async function removeAll(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
}

/** What a process left that was killed while it played; never what another one is playing. That it cannot be removed ends nothing. */
async function removeLeftovers(context: Context, ours: string): Promise<void> {
  const tell = (error: unknown): void =>
    context.output.warn(`what was played before was not removed: ${messageOf(error)}`)
  for (const name of await namesIn(playedIn(context), tell)) {
    if (name === ours) continue
    const folder = join(playedIn(context), name)
    const recorded = recordDir(context.dataDir, infoHash(name), folder)
    try {
      await using _lock = await lockFolder(recorded)
      await removeAll(folder, recorded)
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'conflict') tell(error)
    }
  }
}

/** Folders of infohashes, and nothing that somebody else put there. */
async function namesIn(folder: string, tell: (error: unknown) => void): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[0-9a-f]{40}$/.test(name))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') tell(error)
    return []
  }
}
