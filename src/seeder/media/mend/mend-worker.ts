/** A thread that mends one file and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { ShoalError, systemCode } from '../../../core/errors.ts'
import { MiB } from '../../../core/units.ts'
import { writeMended, type Mended } from './write-mended.ts'

export type MendMessage =
  | { readonly doneBytes: number; readonly sizeBytes: number }
  | { readonly mended: Mended }
  /** `code`: of the system, or none. */
  | { readonly refused: string }
  | { readonly failed: string; readonly code: string | undefined }

/** Often enough for whoever watches, seldom enough for whoever copies. */
const TOLD_EVERY = 32 * MiB

function mend(): MendMessage {
  try {
    const { from, to } = z.object({ from: z.string(), to: z.string() }).parse(workerData)
    let told = 0
    const mended = writeMended(from, to, (doneBytes, sizeBytes) => {
      if (doneBytes - told < TOLD_EVERY) return
      told = doneBytes
      parentPort?.postMessage({ doneBytes, sizeBytes } satisfies MendMessage)
    })
    return { mended }
  } catch (error) {
    if (error instanceof ShoalError) return { refused: error.message }
    return { failed: String(error), code: systemCode(error) }
  }
}

parentPort?.postMessage(mend())
