/** mpv or VLC, started on an address that other users of the machine must not see. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

export type PlayerName = 'mpv' | 'vlc'

export interface MediaPlayer extends AsyncDisposable {
  /** Resolves when the person has closed it. Rejects when it could not play. */
  readonly closed: Promise<void>
}

/** Each ends when its list does. What follows `--` is no flag. */
const ARGS: Readonly<Record<PlayerName, readonly string[]>> = {
  mpv: ['--no-terminal', '--'],
  vlc: ['--quiet', '--play-and-exit', '--'],
}
/** What an end by a signal of ours, or by the person's Ctrl-C, looks like. */
const QUIT_CODES: ReadonlySet<number | null> = new Set([0, 4, 130, 143, null])

/** What it has to put away at a SIGTERM takes less: then it hangs. */
const GRACE = seconds(3)

/** Its full path, or undefined when `PATH` has none. */
export async function findPlayer(name: PlayerName, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue // never what lies in the folder that we happen to be in
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // not in this one
    }
  }
  return undefined
}

/**
 * The address stands in a list that only this user may read: an argument could be read by all.
 * @throws ShoalError `unavailable` when it cannot be started.
 */
export async function startPlayer(
  player: { readonly name: PlayerName; readonly path: string },
  { url, listPath }: { readonly url: string; readonly listPath: string },
  { env, clock }: { readonly env: NodeJS.ProcessEnv; readonly clock: Clock },
): Promise<MediaPlayer> {
  await mkdir(dirname(listPath), { recursive: true, mode: 0o700 })
  await writeFile(listPath, `#EXTM3U\n${url}\n`, { mode: 0o600 })
  const child = spawn(player.path, [...ARGS[player.name], listPath], {
    stdio: 'ignore',
    env: withoutOurs(env),
  })
  await started(child, player.name)
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const closed = ended.then((code) => {
    if (!QUIT_CODES.has(code))
      throw new ShoalError('unavailable', `${player.name} ended with ${String(code)}: it could not play this`)
  })
  closed.catch(() => undefined) // heard by whoever waits for it
  return {
    closed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM') // nothing happens when it has ended
      const timer = clock.after(GRACE, () => child.kill('SIGKILL'))
      await ended
      timer.cancel()
    },
  }
}

function started(child: ChildProcess, name: PlayerName): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(new ShoalError('unavailable', `${name} could not be started`, { cause }))
    })
  })
}

/** A player has no use for our tokens. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SHOAL_')))
}
