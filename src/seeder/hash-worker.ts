/** A worker thread that hashes batches and looks at files, one task after the other, until it is terminated. */
import { parentPort } from 'node:worker_threads'
import { KiB } from '../core/units.ts'
import { lookAtFilesNow, type FileLook, type LookBatch } from './file-look.ts'
import { hashBatch, type HashBatch, type HashedBatch } from './hash-batch.ts'
import { touchedNow } from './known-looks.ts'

export type WorkerTask =
  | { readonly kind: 'hash'; readonly batch: HashBatch }
  | { readonly kind: 'look'; readonly batch: LookBatch }
  | { readonly kind: 'find-touched'; readonly known: string }

export type WorkerAnswer =
  | { readonly kind: 'hash'; readonly hashed: HashedBatch }
  | { readonly kind: 'look'; readonly looks: readonly FileLook[] }
  | { readonly kind: 'find-touched'; readonly touched: readonly number[] }

/** Small enough to stay in a core's cache between the read and the hash. */
const BUFFER_BYTES = 512 * KiB

const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

parentPort?.on('message', (task: WorkerTask) => {
  if (task.kind === 'look') {
    tell({ kind: 'look', looks: lookAtFilesNow(task.batch) }, [])
    return
  }
  if (task.kind === 'find-touched') {
    tell({ kind: 'find-touched', touched: touchedNow(task.known) }, [])
    return
  }
  const hashed = hashBatch(task.batch, buffer)
  tell({ kind: 'hash', hashed }, hashed.kind === 'hashed' ? [hashed.hashes.buffer] : [])
})

function tell(answer: WorkerAnswer, transfer: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(answer, transfer)
}
