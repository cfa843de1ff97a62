/**
 * `GET /bundles/SLUG/releases/NAME/files/INDEX` for the player, and `/content`, all files one after the other, for the page that
 * fetches ahead of it. With the session that the page has.
 */
import { Router, type Request, type RequestHandler, type Response } from 'express'
import { tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import { releaseName, slug } from '../../core/ids.ts'
import { formatContentRange, type ByteRange } from '../../wire/byte-range.ts'
import { limits } from '../../wire/limits.ts'
import { readToWatch } from '../access.ts'
import type { Account } from '../account.ts'
import type { Services } from '../services.ts'
import { isChromium } from '../watching/browser.ts'
import { mediaTypeOf } from '../watching/media-type.ts'
import type { Watchable, WatchContent } from '../watching/content.ts'
import { askedRange } from './asked-range.ts'
import { addressOf } from './authenticate.ts'
import { HttpRefusal } from './problems.ts'
import { goneOf, sendStretches } from './send-stretches.ts'
import { sessionAccount } from './sessions.ts'

const NOT_HERE = { 'Retry-After': '10' }

export function watchRoutes(services: Services): Router {
  const router = Router({ caseSensitive: true })
  router.get('/bundles/:slug/releases/:name/files/:index', handler(services))
  router.get('/bundles/:slug/releases/:name/content', handler(services))
  return router
}

const handler =
  (services: Services): RequestHandler =>
  async (req, res) => {
    const { watchContent } = services
    if (watchContent === undefined)
      throw new HttpRefusal(503, 'this portal has no content of its own: fetch the release', NOT_HERE)
    const account = await sessionAccount(services, req)
    if (account === undefined) throw new ShoalError('not-found', 'no such address')
    const { release } = await readToWatch(services, account, wishOf(req))
    const watchable = await watchContent.find(release, indexOf(req))
    await serve({ services, content: watchContent, account }, watchable, req, res)
  }

interface Serving {
  readonly services: Services
  readonly content: WatchContent
  readonly account: Account
}

const wishOf = (req: Request) => ({ slug: slug(text(req, 'slug')), name: releaseName(text(req, 'name')) })

async function serve(
  { services, content, account }: Serving,
  watchable: Watchable,
  req: Request,
  res: Response,
): Promise<void> {
  const { sizeBytes, etag } = watchable
  const asked = askedRange({ range: req.get('range'), ifRange: req.get('if-range') }, { etag, sizeBytes })
  const range = asked === undefined ? { from: 0, end: sizeBytes } : shortened(req, asked)
  if (req.method === 'HEAD' || range.from === range.end) {
    writeHead(res, watchable, { range, isPartial: asked !== undefined })
    res.end()
    return
  }
  const gone = goneOf(res)
  using share = await content.takeShare(watchable, account, gone)
  const to = tryIpAddress(addressOf(req))
  const mayStill = async (): Promise<void> => {
    const now = await sessionAccount(services, req)
    if (now === undefined) throw new ShoalError('not-granted', 'signed out')
    await readToWatch(services, now, wishOf(req))
  }
  const source = content.sourceOf(watchable, range, { to, mayStill })
  const first = await source.read(range.from, gone)
  if (gone.aborted) return
  if (first === undefined)
    throw new HttpRefusal(
      503,
      'the content is not there at this moment, or not as it was published',
      NOT_HERE,
    )
  writeHead(res, watchable, { range, isPartial: asked !== undefined })
  await sendStretches({ clock: services.clock, source, range, share, res, gone }, first)
}

/**
 * A player of Chromium that asks for all that follows asks again for what an answer leaves out: so colleagues give the rest as soon
 * as the page has met them. Others keep an answer going, and would take all of it from here.
 */
function shortened(req: Request, { from, end }: ByteRange): ByteRange {
  const isPlayer = /^(?:video|audio)$/.test(req.get('sec-fetch-dest') ?? '')
  if (!isPlayer || !isChromium(req.get('user-agent'))) return { from, end }
  return { from, end: Math.min(end, from + limits.watchAnswerBytesMax) }
}

function writeHead(
  res: Response,
  { path, sizeBytes, etag }: Watchable,
  { range, isPartial }: { readonly range: ByteRange; readonly isPartial: boolean },
): void {
  res.status(isPartial ? 206 : 200).set({
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, no-store, no-transform',
    // Nothing of a release ever runs as a page of ours.
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Content-Length': String(range.end - range.from),
    'Content-Type': mediaTypeOf(path),
    'Cross-Origin-Resource-Policy': 'same-origin',
    ETag: etag,
    'X-Accel-Buffering': 'no', // nginx would fetch ahead of who plays
    ...(isPartial ? { 'Content-Range': formatContentRange({ ...range, sizeBytes }) } : {}),
  })
}

function text(req: Request, name: string): string {
  const value = req.params[name]
  return typeof value === 'string' ? value : ''
}

function indexOf(req: Request): number | undefined {
  const index = req.params['index']
  if (index === undefined) return undefined
  if (typeof index !== 'string' || !/^\d{1,6}$/.test(index)) throw new ShoalError('not-found', 'no such file')
  return Number(index)
}
