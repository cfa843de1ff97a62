/**
 * BitTorrent clients that are not ours, each as a program of its own on a machine of a test network. All are
 * told to keep to the trackers of their link: no DHT, no local discovery, no peer exchange, no uTP, no port
 * mapping. Start one with {@link startStockClient}; a client whose files are already complete seeds them.
 */
import { mkdir } from 'node:fs/promises'
import { startAria2 } from './stock-clients-aria2.ts'
import { startLibtorrent, startWebtorrent } from './stock-clients-lines.ts'
import { startQbittorrent } from './stock-clients-qbittorrent.ts'
import { startTransmission } from './stock-clients-transmission.ts'
import type { Host } from './namespaces.ts'
import type { Source } from './stock-source.ts'

export type { Source } from './stock-source.ts'

export type StockKind = 'aria2' | 'transmission' | 'qbittorrent' | 'libtorrent' | 'webtorrent'

/** The programs that a kind needs, to look for before its tests. */
export const PROGRAMS_OF = {
  aria2: ['aria2c'],
  transmission: ['transmission-daemon', 'transmission-remote'],
  qbittorrent: ['qbittorrent-nox'],
  libtorrent: ['/usr/bin/python3'],
  webtorrent: [],
} as const satisfies Record<StockKind, readonly string[]>

export interface StockJob {
  readonly host: Host
  readonly source: Source
  /** Content is put, or lies, at `folder/NAME`. */
  readonly folder: string
  /** Made when missing; for the client's own settings, state and log. */
  readonly workDir: string
}

export interface StockClient extends AsyncDisposable {
  readonly kind: StockKind
  /** Resolves when the client itself says that it has and has checked every byte. */
  untilComplete(signal: AbortSignal): Promise<void>
  /** Has it announce soon, whatever interval it was given. */
  reannounce(): Promise<void>
  /** What the client shows of its tracker's last refusal; `undefined` when there is none to show. */
  trackerError(): Promise<string | undefined>
  /** How many peers it is connected to. */
  peers(): Promise<number>
  /** What it printed and logged last, for the message of a failure. */
  transcript(): Promise<string>
}

const START = {
  aria2: startAria2,
  transmission: startTransmission,
  qbittorrent: startQbittorrent,
  libtorrent: startLibtorrent,
  webtorrent: startWebtorrent,
} as const satisfies Record<StockKind, (job: StockJob, signal: AbortSignal) => Promise<StockClient>>

/** Starts it and gives it its job; resolves when it has taken the job, not when it is done. */
export async function startStockClient(
  kind: StockKind,
  job: StockJob,
  signal: AbortSignal,
): Promise<StockClient> {
  await mkdir(job.workDir, { recursive: true })
  await mkdir(job.folder, { recursive: true })
  return START[kind](job, signal)
}
