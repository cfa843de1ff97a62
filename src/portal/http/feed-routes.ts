/** `/feeds/TOKEN/…`: what is new for one person, for BitTorrent clients that subscribe, and the torrents that it names. */
import { basename } from 'node:path/posix'
import { Router, type Request } from 'express'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { hours } from '../../core/units.ts'
import { zBundleQuery, zLinkRequest, zReleaseName, zSlug } from '../../wire/api.ts'
import { eyesOf, takeLink } from '../access.ts'
import type { Account } from '../account.ts'
import { feedXml } from '../feeds/feed-xml.ts'
import type { Services } from '../services.ts'
import { addressOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { TORRENT_TYPE } from './routes-catalogue.ts'

const ITEMS = 50
/** A client that subscribes runs for days: its grant does, too. */
const GRANT_LIFE_S = hours(24 * 7) / 1_000
const zFile = z.object({ slug: zSlug, name: zReleaseName })

export interface FeedRouteParts {
  readonly services: Services
  readonly attempts: Attempts
}

export function feedRoutes({ services, attempts }: FeedRouteParts): Router {
  const router = Router({ caseSensitive: true })
  const { publicUrl, catalogue, feeds, links } = services

  const accountOf = async (req: Request, token: string): Promise<Account> => {
    await attempts.mustBeOpen(addressOf(req))
    const account = await feeds.accountOf(token)
    if (account !== undefined) return account
    await attempts.failed(addressOf(req))
    throw new ShoalError('not-found', 'no such feed, or it was taken back')
  }

  router.get('/feeds/:token/all.xml', async (req, res) => {
    const { token } = req.params
    const account = await accountOf(req, token)
    const { q, tag } = zBundleQuery.pick({ q: true, tag: true }).parse(req.query)
    const { items } = await catalogue.bundles({ eyes: eyesOf(account), q, tag, limit: ITEMS })
    const feedUrl = `${publicUrl}/feeds/${token}`
    res
      .set({ 'Cache-Control': 'private, no-cache', 'Referrer-Policy': 'no-referrer' })
      .type('application/rss+xml')
      .send(feedXml(items, { publicUrl, feedUrl }))
  })
  router.get('/feeds/:token/:file', async (req, res) => {
    const { token, file } = req.params
    const account = await accountOf(req, token)
    const [, slug, name] = /^([^@]+)@(.+)\.torrent$/.exec(file) ?? []
    const wanted = zFile.safeParse({ slug, name })
    if (!wanted.success) throw new ShoalError('not-found', 'no such release')
    const request = zLinkRequest.parse({ expiresInSeconds: GRANT_LIFE_S })
    const link = await takeLink(services, account, { ...wanted.data, request, isPage: true })
    const { bytes, fileName } = await links.torrentOf(grantIn(link.torrentUrl))
    res
      .set({
        'Content-Disposition': `attachment; filename="${fileName}"`,
        'Cache-Control': 'private, no-store',
        'Referrer-Policy': 'no-referrer',
      })
      .type(TORRENT_TYPE)
      .send(Buffer.from(bytes))
  })
  return router
}

/** Of `…/dl/GRANT.torrent`. */
const grantIn = (torrentUrl: string): string => basename(new URL(torrentUrl).pathname, '.torrent')
