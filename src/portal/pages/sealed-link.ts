/** `/l/CODE`: whoever has the address and the password gets the link, without an account. */
import express, { type Request, type Response, type Router } from 'express'
import { limits } from '../../wire/limits.ts'
import type { PageServices } from '../pages-host.ts'
import { renderPage } from './render.ts'
import { field, param } from './visit.ts'
import { momentText } from './view-model.ts'

export function sealedLinkPage({ sealed, publicUrl }: PageServices): Router {
  const router = express.Router()
  const send = (res: Response, status: number, data: object): void => {
    const html = renderPage('sealed-link', { title: 'A link for you', query: '' }, data)
    // the address is half of the secret
    res
      .status(status)
      .set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      .type('html')
      .send(html)
  }
  const asks = async (req: Request, res: Response, isWrong: boolean): Promise<void> => {
    const code = param(req, 'code')
    const isGood = await sealed.isGood(req, code)
    if (!isGood) send(res, 404, { isOver: true })
    else send(res, isWrong ? 401 : 200, { action: `/l/${encodeURIComponent(code)}`, isWrong })
  }
  router.get('/l/:code', (req, res) => asks(req, res, false))
  router.post('/l/:code', express.urlencoded({ limit: '4kb', extended: false }), async (req, res) => {
    const password = field(req, 'password')
    const isPossible = password !== '' && password.length <= limits.passwordCharsMax
    const link = isPossible ? await sealed.open(req, param(req, 'code'), password) : undefined
    if (link === undefined) {
      await asks(req, res, true)
      return
    }
    const { name, magnet, torrentUrl, expiresAt } = link
    const expires = new Date(expiresAt).toISOString()
    const command = `shoal get - --trust ${publicUrl} --out .`
    send(res, 200, { link: { name, magnet, torrentUrl, expires, until: momentText(expires), command } })
  })
  return router
}
