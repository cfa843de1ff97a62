/** A worker thread that hashes batches, one after the other, until it is terminated. */
import { parentPort } from 'node:worker_threads'
import { KiB } from '../core/units.ts'
import { hashBatch, type HashBatch } from './hash-batch.ts'

/** Small enough to stay in a core's cache between the read and the hash. */
const BUFFER_BYTES = 512 * KiB

const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

parentPort?.on('message', (batch: HashBatch) => {
  const answer = hashBatch(batch, buffer)
  parentPort?.postMessage(answer, answer.kind === 'hashed' ? [answer.hashes.buffer] : [])
})
