/** One request of somebody who is signed in, and what every page does with it. */
import type { Request, RequestHandler, Response } from 'express'
import { ZodError } from 'zod'
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { Account } from '../account.ts'
import { loginUrl } from '../next-page.ts'
import type { PageServices } from '../pages-host.ts'
import { renderPage, type PageFrame } from './render.ts'

export interface Visit {
  readonly services: PageServices
  readonly account: Account
  readonly req: Request
  readonly res: Response
  /** What waits for them on the page of requests. */
  readonly news: number
}

/** Who is not signed in gets the form; what one may not see is not there. */
export function visited(services: PageServices, page: (visit: Visit) => Promise<void>) {
  return async (req: Request, res: Response): Promise<void> => {
    const account = await services.account(req)
    if (account === undefined) {
      res.redirect(303, req.method === 'GET' ? loginUrl(req.originalUrl) : '/login')
      return
    }
    const visit = { services, account, req, res, news: await services.requests.news(account) }
    try {
      if (req.method !== 'GET' && req.method !== 'HEAD') services.mustBeOurPage(req)
      await page(visit)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      sendProblem(visit, error)
    }
  }
}

/** Before a large form is read: who is nobody makes us hold nothing. */
export function knownFirst(services: PageServices): RequestHandler {
  return async (req, res, next) => {
    if ((await services.account(req)) === undefined) res.redirect(303, '/login')
    else next()
  }
}

function sendProblem(visit: Visit, error: ShoalError): void {
  const isAbsent = error.code === 'not-found' || error.code === 'bad-input'
  const title = isAbsent ? 'Not here' : 'That did not work'
  const message = isAbsent
    ? 'There is no such page, or it is not for you.'
    : `${capitalised(messageOf(error))}.`
  visit.res
    .status(isAbsent ? 404 : 409)
    .type('html')
    .send(renderPage('message', frameOf(visit, title), { message, ...askFormOf(visit, error) }))
}

/** Below a bundle's address, whether there is one or not: who was sent there by a colleague asks for it. */
function askFormOf({ req }: Visit, error: ShoalError): object {
  const found = /^\/bundles\/([a-z0-9-]{1,128})(?:\/|$)/.exec(req.path)?.[1]
  return error.code === 'not-found' && found !== undefined ? { askUrl: `/bundles/${found}/ask` } : {}
}

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/**
 * The sentence to show beside a form that was not taken; what is not expected is thrown on. `mayBeAbsent`: that what the form names
 * is not there is no reason for another page.
 */
export function sentenceOf(error: unknown, { mayBeAbsent = false } = {}): string {
  if (error instanceof ShoalError && (mayBeAbsent || error.code !== 'not-found'))
    return `${capitalised(error.message)}.`
  if (error instanceof ZodError)
    return `${capitalised(error.issues[0]?.message ?? 'that was not understood')}.`
  throw error
}

export function frameOf({ services, account, req, news }: Visit, title: string): PageFrame {
  return {
    title,
    query: '',
    user: account.user,
    csrfToken: services.csrfToken(req),
    isOperator: services.isOperator(account),
    seesPeople: services.people.mayRead(account),
    seesSites: services.sites.mayRead(account),
    mayPublish: services.publishing.mayPublish(account),
    seesAudit: services.seesAudit(account),
    news,
    pollUrl: pollUrlOf(req),
  }
}

/** This page's address, marked as asked by nobody. */
function pollUrlOf(req: Request): string {
  const [path = '', query] = req.originalUrl.split('?', 2)
  const asked = new URLSearchParams(query)
  asked.set('poll', '1')
  return `${path}?${asked.toString()}`
}

/** Of a path. */
export function param(req: Request, name: string): string {
  const value = req.params[name]
  return typeof value === 'string' ? value : ''
}

/** Of a form; what is absent is empty. */
export function field(req: Request, name: string): string {
  const body: unknown = req.body
  if (typeof body !== 'object' || body === null) return ''
  const value: unknown = Object.entries(body).find(([key]) => key === name)?.[1]
  return typeof value === 'string' ? value : ''
}

/** Of an address; what is absent is empty. */
export function asked(req: Request, name: string): string {
  const value = req.query[name]
  return typeof value === 'string' ? value : ''
}

/** Names with commas between them. */
export const listIn = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
