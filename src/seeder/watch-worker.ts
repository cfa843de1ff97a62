/**
 * A thread that watches a folder and says in which of its entries something happened. In a thread of its own, since
 * chokidar looks at every file below: one folder of 100,000 would hold the event loop for a second.
 */
import { relative, sep } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { watch } from 'chokidar'
import { messageOf } from '../core/errors.ts'
import { millis } from '../core/units.ts'
import { systemClock } from '../platform/clock.ts'

export interface WatchOrder {
  readonly folder: string
  readonly depth: number
}

export type WatchReport =
  | { readonly kind: 'ready' }
  /** Each entry once, however much happened in it. */
  | { readonly kind: 'changed'; readonly entries: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }

/** What happens within it is told together. */
const TOLD_EVERY = millis(50)

const { folder, depth } = workerData as WatchOrder
const changed = new Set<string>()
const tell = (report: WatchReport): void => parentPort?.postMessage(report)

watch(folder, { ignoreInitial: true, followSymlinks: false, depth })
  .on('all', (_event, path) => {
    const name = relative(folder, path).split(sep)[0] ?? ''
    if (name === '' || name === '..') return
    if (changed.size === 0) systemClock.after(TOLD_EVERY, tellChanged)
    changed.add(name)
  })
  .on('ready', () => tell({ kind: 'ready' }))
  .on('error', (error) => tell({ kind: 'failed', reason: messageOf(error) }))

function tellChanged(): void {
  const entries = [...changed]
  changed.clear()
  tell({ kind: 'changed', entries })
}
