/** `GET /w/GRANT/name[/path]`. */
import { Router, type Request, type Response } from 'express'
import { tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { formatContentRange } from '../../wire/byte-range.ts'
import type { WebSeed, WebSeedAnswer } from '../web-seed/web-seed.ts'
import { addressOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { oneByOne } from './one-by-one.ts'
import { HttpRefusal } from './problems.ts'
import { goneOf, sendStretches } from './send-stretches.ts'

export interface WebSeedRouteParts {
  readonly clock: Clock
  readonly attempts: Attempts
  /** Absent where the portal has no content. */
  readonly webSeed: WebSeed | undefined
}

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
  const source = {
    read: (at: number) => webSeed.read(answer, at, gone),
    sent: (bytes: number) => {
      webSeed.noteSent(answer, to, bytes)
    },
    mustStillBeGood: () => webSeed.mustStillBeGood(target),
  }
  await sendStretches({ clock, source, range: answer, share, res, gone }, first)
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
