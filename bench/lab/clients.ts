/**
 * The clients that a run compares, as their users have them, but for what a company's network would not want (DHT,
 * local discovery, uTP, port mapping) and what would make them announce more often than they do. Each is prepared
 * before the clock starts and says in its own words when it has and has checked everything.
 */
import { mkdir } from 'node:fs/promises'
import type { Host } from '../../test/support/namespaces.ts'
import { poisoner } from './clients-poisoner.ts'
import { aria2 } from './clients-aria2.ts'
import { libtorrent } from './clients-libtorrent.ts'
import { shoalGet } from './clients-shoal.ts'
import { transmission } from './clients-transmission.ts'
import { webtorrent } from './clients-webtorrent.ts'

export interface ClientJob {
  readonly host: Host
  readonly torrentFile: string
  /** There it puts the content. */
  readonly folder: string
  /** For settings, state and log. */
  readonly workDir: string
}

export interface LabClient extends AsyncDisposable {
  readonly pid: number
  /** Rejects when it ends before, or the signal is aborted. */
  untilDone(signal: AbortSignal): Promise<void>
  /** SIGKILL. */
  kill(): void
  /** What it says that it received in vain, once it is done; nothing where it does not say. */
  wastedBytes(): number | undefined
  /** What it printed last. */
  transcript(): string
}

/** Does what has to be done first; the function it gives starts the program at once. */
export type PrepareClient = (job: ClientJob) => Promise<() => LabClient>

const PREPARE = { aria2, libtorrent, shoal: shoalGet, transmission, webtorrent } as const satisfies Record<
  string,
  PrepareClient
>
export type ClientKind = keyof typeof PREPARE
export const CLIENT_KINDS = Object.keys(PREPARE) as readonly ClientKind[]

export async function prepareClient(kind: ClientKind | 'poisoner', job: ClientJob): Promise<() => LabClient> {
  await mkdir(job.folder, { recursive: true })
  await mkdir(job.workDir, { recursive: true })
  return kind === 'poisoner' ? poisoner(job) : PREPARE[kind](job)
}
