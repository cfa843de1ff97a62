/**
 * Work that takes long for a large input, on a thread of its own, so that the event loop goes on. For what is
 * asked for now and then: each call starts a thread, which takes about 50 ms, and ends it.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type ErrorCode, ShoalError } from '../core/errors.ts'

type Answer =
  { readonly ok: unknown } | { readonly refused: { readonly code: ErrorCode; readonly message: string } }

/** Threads at once, in the whole process: each may hold a hundred megabytes. Who comes then waits for a turn. */
const THREADS_MAX = 2
const WAITING_MAX = 100

let threads = 0
const waiting: (() => void)[] = []

/**
 * What the module `worker` answers to `input`; it calls {@link answerAside}.
 * @throws ShoalError that the worker threw; `over-limit` when a hundred wait already.
 */
export async function runAside(worker: URL, input: Uint8Array): Promise<unknown> {
  if (threads === THREADS_MAX) {
    if (waiting.length === WAITING_MAX) throw new ShoalError('over-limit', 'too much to do: try again later')
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else threads++
  try {
    const answer = await answerOf(worker, input)
    if ('refused' in answer) throw new ShoalError(answer.refused.code, answer.refused.message)
    return answer.ok
  } finally {
    const next = waiting.shift()
    if (next === undefined) threads--
    else next()
  }
}

function answerOf(url: URL, input: Uint8Array): Promise<Answer> {
  // A copy: what is handed over is gone here, and callers may share the memory.
  const copy = new Uint8Array(input)
  const worker = new Worker(url, { workerData: copy, transferList: [copy.buffer] })
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: Answer) => {
      resolve(answer)
      void worker.terminate()
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`a worker ended with code ${code}`)))
  })
}

/** To be called once by a worker module. What `work` throws but ShoalError ends the worker, as a bug should. */
export function answerAside(work: (input: Uint8Array) => unknown): void {
  parentPort?.postMessage(answer(() => work(workerData as Uint8Array)))
}

function answer(work: () => unknown): Answer {
  try {
    return { ok: work() }
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    return { refused: { code: error.code, message: error.message } }
  }
}
