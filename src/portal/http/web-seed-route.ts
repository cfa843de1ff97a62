/**
 * `GET /w/GRANT/name[/path]`. Sent stretch by stretch, as fast as it is read: one who does not read, or hardly, or
 * whose grant is taken back, is cut off.
 */
import { Router, type Request, type Response } from 'express'
import { type IpAddress, tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import { seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { formatContentRange } from '../../wire/byte-range.ts'
import { limits } from '../../wire/limits.ts'
import type { WebSeed, WebSeedAnswer } from '../web-seed/web-seed.ts'
import type { WebSeedShare } from '../web-seed/shares.ts'
import { addressOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { oneByOne } from './one-by-one.ts'
import { HttpRefusal } from './problems.ts'
import { ReaderPace } from './reader-pace.ts'

export interface WebSeedRouteParts {
  readonly clock: Clock
  readonly attempts: Attempts
  /** Absent where the portal has no content. */
  readonly webSeed: WebSeed | undefined
}

/** So often an answer that goes on asks whether its grant is still good. */
const CHECK_EVERY = seconds(1)
const NOT_HERE = { 'Retry-After': '30' }

export function webSeedRoute(parts: WebSeedRouteParts): Router {
  const { attempts, webSeed } = parts
  const router = Router({ caseSensitive: true })
  const inTurn = oneByOne()
  router.get(/^\/w\//, async (req, res) => {
    if (webSeed === undefined)
      throw new HttpRefusal(503, 'this portal has no content of its own, and so no web seed', NOT_HERE)
    await attempts.mustBeOpen(addressOf(req))
    try {
      await inTurn(req, res, () => serve({ ...parts, webSeed }, req, res))
    } catch (error) {
      // Taken back in mid-answer is no guess.
      if (error instanceof ShoalError && error.code === 'not-granted' && !res.headersSent)
        await attempts.failed(addressOf(req))
      throw error
    }
  })
  router.all(/^\/w\//, () => {
    throw new ShoalError('not-found', 'no such address')
  })
  return router
}

interface Serving {
  readonly clock: Clock
  readonly webSeed: WebSeed
}

async function serve({ clock, webSeed }: Serving, req: Request, res: Response): Promise<void> {
  const target = req.originalUrl
  const isHead = req.method === 'HEAD'
  const range = isHead ? undefined : req.get('range') // RFC 9110: of GET alone
  const answer = await webSeed.answer({ target, range, ifRange: req.get('if-range') })
  if (isHead || answer.from === answer.end) {
    writeHead(res, answer)
    res.end()
    return
  }
  const gone = goneOf(res)
  const to = tryIpAddress(addressOf(req))
  using share = await webSeed.takeShare(answer, gone)
  const first = await webSeed.read(answer, answer.from, gone)
  if (gone.aborted) return
  // Before the head: whoever asked is told, in place of being cut off.
  if (first === undefined)
    throw new HttpRefusal(
      503,
      'the content is not there at this moment, or not as it was published',
      NOT_HERE,
    )
  writeHead(res, answer)
  const outcome = await send({ clock, webSeed, target, answer, share, to, res, gone }, first)
  if (outcome === 'whole') res.end()
  else if (outcome === 'cut') await closeBehind(clock, res)
  else res.destroy()
}

/** Aborted when who asked has gone. */
function goneOf(res: Response): AbortSignal {
  const gone = new AbortController()
  res.once('close', () => {
    gone.abort()
  })
  if (res.destroyed) gone.abort()
  return gone.signal
}

function writeHead(res: Response, answer: WebSeedAnswer): void {
  const { from, end, sizeBytes, etag, isPartial } = answer
  res.status(isPartial ? 206 : 200).set({
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-store, no-transform',
    'Content-Disposition': 'attachment',
    'Content-Length': String(end - from),
    'Content-Type': 'application/octet-stream',
    ETag: etag,
    'Referrer-Policy': 'no-referrer',
    'X-Accel-Buffering': 'no', // nginx would fetch ahead of who reads, and use up the link's share
    ...(isPartial ? { 'Content-Range': formatContentRange({ from, end, sizeBytes }) } : {}),
  })
}

interface Sending extends Serving {
  readonly target: string
  readonly answer: WebSeedAnswer
  readonly share: WebSeedShare
  readonly to: IpAddress | undefined
  readonly res: Response
  readonly gone: AbortSignal
}

/** `cut`: there is no more to send, though more was asked for. `gone`: nobody takes it. */
type Outcome = 'whole' | 'cut' | 'gone'

async function send(
  { clock, webSeed, target, answer, share, to, res, gone }: Sending,
  first: Uint8Array,
): Promise<Outcome> {
  const pace = new ReaderPace(clock, res)
  let checkedAt = clock.now()
  let bytes: Uint8Array | undefined = first
  for (let at = answer.from; bytes !== undefined;) {
    const part = bytes.subarray(0, share.leftBytes)
    share.sent(part.length)
    webSeed.noteSent(answer, to, part.length)
    at += part.length
    if (part.length > 0 && !(await pace.send(part))) return 'gone'
    if (at >= answer.end) return 'whole'
    if (share.leftBytes === 0) return 'cut'
    if (clock.now() - checkedAt >= CHECK_EVERY) {
      checkedAt = clock.now()
      await webSeed.mustStillBeGood(target)
    }
    bytes = await webSeed.read(answer, at, gone)
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
