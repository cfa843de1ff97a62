/** A file of this machine, mended into another, on a thread with limits. */
import { rm } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { ShoalError, systemCode } from '../../../core/errors.ts'
import { minutes } from '../../../core/units.ts'
import { systemClock } from '../../../platform/clock.ts'
import type { MendMessage } from './mend-worker.ts'
import type { Mended } from './write-mended.ts'

const WORKER = new URL('./mend-worker.ts', import.meta.url)
/** Beside the description, which is no part of this, it holds four megabytes at a time. */
const MEMORY_MAX = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 }
/** Thirty-two megabytes in so long: a disk that is slower is no disk. */
const SILENCE_MAX = minutes(5)

/**
 * `to` is made, whole and on the disk, or is not there. `from` is only read.
 * @throws ShoalError `bad-input` with why it cannot be mended, `unavailable` for a full disk, `interrupted` when aborted.
 */
export async function mendFile(
  from: string,
  to: string,
  onProgress: (doneBytes: number, sizeBytes: number) => void,
  signal: AbortSignal,
): Promise<Mended> {
  signal.throwIfAborted()
  const worker = new Worker(WORKER, { workerData: { from, to }, resourceLimits: MEMORY_MAX })
  try {
    const message = await lastOf(worker, onProgress, signal)
    if ('mended' in message) return message.mended
    throw errorOf(message)
  } catch (error) {
    await worker.terminate()
    await rm(to, { force: true })
    throw error
  }
}

type Last = Exclude<MendMessage, { readonly doneBytes: number }>

function lastOf(
  worker: Worker,
  onProgress: (doneBytes: number, sizeBytes: number) => void,
  signal: AbortSignal,
): Promise<Last> {
  const { promise, resolve, reject } = Promise.withResolvers<Last>()
  const giveUp = (): void => {
    reject(new ShoalError('unavailable', 'the disk is too slow'))
  }
  let timer = systemClock.after(SILENCE_MAX, giveUp)
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new ShoalError('interrupted', 'stopped'))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  worker.on('message', (message: MendMessage) => {
    timer.cancel()
    if (!('doneBytes' in message)) {
      resolve(message)
      return
    }
    timer = systemClock.after(SILENCE_MAX, giveUp)
    onProgress(message.doneBytes, message.sizeBytes)
  })
  worker.on('error', (cause) => {
    reject(errorOfWorker(cause))
  })
  worker.on('exit', () => {
    reject(new ShoalError('unavailable', 'mending it ended too early'))
  })
  return promise.finally(() => {
    timer.cancel()
    signal.removeEventListener('abort', onAbort)
  })
}

/** Only the file is to blame for memory; all else that ends the thread is a bug of ours. */
export function errorOfWorker(cause: unknown): Error {
  return systemCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new ShoalError('bad-input', 'it takes more memory than any film needs', { cause })
    : new Error('the thread that mends failed', { cause })
}

function errorOf(message: Exclude<Last, { readonly mended: Mended }>): ShoalError {
  if ('refused' in message) return new ShoalError('bad-input', message.refused)
  const { code, failed } = message
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ShoalError('unavailable', 'the disk is full')
  if (code === 'ENOENT') return new ShoalError('not-found', 'the file is not there any more')
  return new ShoalError('unavailable', 'it could not be written', { cause: new Error(failed) })
}
