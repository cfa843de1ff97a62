/** `shoal play`: one file of a release, served to a player on this machine while it is fetched. */
import { posix } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import { landingPath, type Metainfo, type Torrent } from '../core/metainfo.ts'
import { KiB, MiB, millis, seconds } from '../core/units.ts'
import type { TorrentHandle } from '../swarm/index.ts'
import { type Fetched, fetchRelease, type GetListener, type GetOptions, type GetParts } from './get.ts'
import { choosePlayed } from './playable.ts'
import type { Player } from './player.ts'
import type { Resolved } from './resolve.ts'

export interface PlayOptions extends Omit<GetOptions, 'globs' | 'select' | 'isRead'> {
  /** Which file, where a release holds several that could be meant. */
  readonly glob?: string
  /** Where the player finds it on 127.0.0.1; 0: any free port. */
  readonly port: number
}

/** Disposing of it stops the transfer: what was fetched is kept. */
export interface Playing extends AsyncDisposable {
  readonly url: string
  readonly file: { readonly path: string; readonly sizeBytes: number }
  /** Resolves when all of it is here; it goes on being served. Rejects when it cannot go on. */
  readonly fetched: Promise<Fetched>
}

/** A player opens a file at its beginning... */
const HEAD_BYTES = 512 * KiB
/** ...and many look next for an index at its end, whose length grows with that of the film. */
const TAIL_PART = 1 / 200
const TAIL_BYTES_MIN = 64 * KiB
const TAIL_BYTES_MAX = 1 * MiB
const TAIL_DUE = seconds(2)

/**
 * Resolves when a player can begin.
 * @throws ShoalError `interrupted` when `signal` is aborted before; else as fetching does, and as choosing a file does.
 */
export async function playRelease(
  resolved: Resolved,
  parts: GetParts,
  options: PlayOptions,
  listener: GetListener,
  signal: AbortSignal,
): Promise<Playing> {
  const { glob, port, ...rest } = options
  const known = Promise.withResolvers<{ torrent: Torrent; handle: TorrentHandle }>()
  const aborter = new AbortController()
  await using stack = new AsyncDisposableStack()
  const fetched = fetchRelease(
    resolved,
    parts,
    { ...rest, globs: [], select: (metainfo) => onlyPlayed(metainfo, glob), isRead: true },
    {
      ...listener,
      onTorrent(torrent, handle) {
        listener.onTorrent?.(torrent, handle)
        known.resolve({ torrent, handle })
      },
    },
    AbortSignal.any([signal, aborter.signal]),
  )
  fetched.catch(known.reject)
  stack.defer(async () => {
    aborter.abort()
    await (await fetched.catch(() => undefined))?.handle.stop()
  })
  const { torrent, handle } = await known.promise
  const index = choosePlayed(torrent.metainfo, glob)
  const file = fileAt(torrent, index)
  for (const ahead of hurryEnds(handle, { index, sizeBytes: file.sizeBytes })) stack.use(ahead)
  const player = stack.use(await playerOf(torrent, handle, { index, port }))
  const owned = stack.move()
  return { url: player.url, file, fetched, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function onlyPlayed(metainfo: Metainfo, glob: string | undefined): (landing: string) => boolean {
  const file = metainfo.files[choosePlayed(metainfo, glob)]
  const played = file === undefined ? '' : landingPath(metainfo, file)
  return (landing) => landing === played
}

function fileAt({ metainfo }: Torrent, index: number): { path: string; sizeBytes: number } {
  const file = metainfo.files[index]
  if (file === undefined) throw new ShoalError('not-found', 'there is no such file')
  return { path: landingPath(metainfo, file), sizeBytes: file.sizeBytes }
}

/** What a player will ask for first is on its way before it asks. */
function hurryEnds(
  handle: TorrentHandle,
  { index, sizeBytes }: { readonly index: number; readonly sizeBytes: number },
): readonly Disposable[] {
  const tail = Math.min(TAIL_BYTES_MAX, Math.max(TAIL_BYTES_MIN, sizeBytes * TAIL_PART))
  return [
    handle.hurry({ file: index, start: 0, end: Math.min(sizeBytes, HEAD_BYTES) }, millis(0)),
    handle.hurry({ file: index, start: Math.max(0, Math.floor(sizeBytes - tail)), end: sizeBytes }, TAIL_DUE),
  ]
}

async function playerOf(
  torrent: Torrent,
  handle: TorrentHandle,
  { index, port }: { readonly index: number; readonly port: number },
): Promise<Player> {
  const { path, sizeBytes } = fileAt(torrent, index)
  const { servePlayer } = await import('./player.ts') // an HTTP server: only who plays pays for loading it
  return servePlayer(
    {
      name: posix.basename(path),
      sizeBytes,
      tag: `${torrent.infoHash}-${index}`,
      read: ({ start, end }, signal) => handle.read({ file: index, start, end }, signal),
    },
    { port },
  )
}
