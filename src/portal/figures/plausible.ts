/** Whether a transfer can be as it is reported. Pure: one sentence where it cannot. */
import { MiB, minutes } from '../../core/units.ts'
import type { Transfer } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'

export interface Circumstances {
  /** Of the release. */
  readonly sizeBytes: number
  /** Since the session's last report, or since it began; by our clock where we know. */
  readonly passedMs: number
  /** What it had told before. */
  readonly before: { readonly receivedBytes: number; readonly sentBytes: number }
  /** An origin sends what it holds, and receives nothing that is counted. */
  readonly isServer: boolean
}

/** A report was under way, and clocks tick apart. */
const SLACK = minutes(2)
/** Verified pieces may wait for the disk while a session ends. */
const UNWRITTEN_BYTES = 128 * MiB
/** A copy, one more to mend it, and a little. */
const COPIES_MAX = 2

export function impossibleBecause(transfer: Readonly<Transfer>, of: Circumstances): string | undefined {
  const { ends, webSeedBytes = 0, startBytes, haveBytes } = transfer
  const received = ends.reduce((sum, end) => sum + end.receivedBytes, webSeedBytes)
  const sent = ends.reduce((sum, end) => sum + end.sentBytes, 0)
  if (!Number.isSafeInteger(received) || !Number.isSafeInteger(sent))
    return 'nobody has exchanged as many bytes as these'
  const most = ((of.passedMs + SLACK) / 1_000) * limits.transferBytesPerSecondMax
  if (received - of.before.receivedBytes > most || sent - of.before.sentBytes > most)
    return 'so many bytes cannot have been exchanged in that time'
  if (of.isServer) return undefined
  if (startBytes > of.sizeBytes || haveBytes > of.sizeBytes)
    return 'it has more bytes of the release than there are'
  if (received > COPIES_MAX * of.sizeBytes + UNWRITTEN_BYTES)
    return 'it received the release more often than anybody needs it'
  if (haveBytes - startBytes > received + UNWRITTEN_BYTES) return 'it has more than it had and received'
  return undefined
}
