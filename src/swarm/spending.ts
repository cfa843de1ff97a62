/** Bytes that go another way than from peer to peer, within the same rate limit. */
import { BLOCK_BYTES } from '../core/piece-layout.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import type { TokenBucket } from './token-bucket.ts'

/** Resolves when the limit allows `bytes` more. @throws the signal's reason when it is aborted before. */
export async function spend(
  { bucket, clock }: { readonly bucket: TokenBucket; readonly clock: Clock },
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  for (let left = bytes; left > 0;) {
    const grain = Math.min(left, BLOCK_BYTES)
    if (bucket.take(grain)) left -= grain
    else await sleep(clock, bucket.waitFor(grain), signal)
  }
}
