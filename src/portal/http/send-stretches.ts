/**
 * Bytes of a release as the body of an answer: stretch by stretch, as fast as they are read. One who does not read, or hardly, or
 * who may have it no more, is cut off.
 */
import type { Response } from 'express'
import { seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { ByteRange } from '../../wire/byte-range.ts'
import { limits } from '../../wire/limits.ts'
import type { WebSeedShare } from '../web-seed/shares.ts'
import { ReaderPace } from './reader-pace.ts'

export interface StretchSource {
  /** The first bytes from `at` on, at least one; undefined when they cannot be had. */
  read(at: number, gone: AbortSignal): Promise<Uint8Array | undefined>
  /** Into the figures. */
  sent(bytes: number): void
  /** Asked while it goes on. @throws when who asked may have it no more. */
  mustStillBeGood(): Promise<void>
}

export interface Sending {
  readonly clock: Clock
  readonly source: StretchSource
  readonly range: ByteRange
  readonly share: WebSeedShare
  readonly res: Response
  readonly gone: AbortSignal
}

/** So often an answer that goes on asks whether it may. */
const CHECK_EVERY = seconds(1)

/** `cut`: there is no more to send, though more was asked for. `gone`: nobody takes it. */
type Outcome = 'whole' | 'cut' | 'gone'

/** Aborted when who asked has gone. */
export function goneOf(res: Response): AbortSignal {
  const gone = new AbortController()
  res.once('close', () => {
    gone.abort()
  })
  if (res.destroyed) gone.abort()
  return gone.signal
}

/** `first`: what was read already, so that who asked can still be told why there is nothing. Ends the answer. */
export async function sendStretches(sending: Sending, first: Uint8Array): Promise<void> {
  const { clock, res } = sending
  const outcome = await sendAll(sending, first)
  if (outcome === 'whole') res.end()
  else if (outcome === 'cut') await closeBehind(clock, res)
  else res.destroy()
}

async function sendAll(
  { clock, source, range, share, res, gone }: Sending,
  first: Uint8Array,
): Promise<Outcome> {
  const pace = new ReaderPace(clock, res)
  let checkedAt = clock.now()
  let bytes: Uint8Array | undefined = first
  for (let at = range.from; bytes !== undefined;) {
    const part = bytes.subarray(0, share.leftBytes)
    share.sent(part.length)
    source.sent(part.length)
    at += part.length
    if (part.length > 0 && !(await pace.send(part))) return 'gone'
    if (at >= range.end) return 'whole'
    if (share.leftBytes === 0) return 'cut'
    if (clock.now() - checkedAt >= CHECK_EVERY) {
      checkedAt = clock.now()
      await source.mustStillBeGood()
    }
    bytes = await source.read(at, gone)
  }
  return 'cut'
}

/** What was sent is to arrive, and then the connection's end says that it was not all. */
function closeBehind(clock: Clock, res: Response): Promise<void> {
  if (res.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = clock.after(limits.webSeedReaderTimeout, () => res.destroy())
    res.once('close', () => {
      timer.cancel()
      resolve()
    })
    res.socket?.destroySoon()
  })
}
