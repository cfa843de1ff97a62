/** Pages about access: what is asked of one, what one asked for, guests of a bundle. */
import type { Router } from 'express'
import { slug } from '../../core/ids.ts'
import type { AccessRequest } from '../../wire/api.ts'
import type { PageServices } from '../pages-host.ts'
import { pageRouter, sendForm, type FormOutcome } from './forms.ts'
import { momentText } from './view-model.ts'
import { asked, field, param, sentenceOf, type Visit } from './visit.ts'

export function requestPages(services: PageServices): Router {
  const { router, on, onForm } = pageRouter(services)
  on('/requests', (visit) => sendRequests(visit))
  onForm('/requests/:id/grant', (visit) => answer(visit, 'granted'))
  onForm('/requests/:id/deny', (visit) => answer(visit, 'denied'))
  onForm('/bundles/:slug/ask', ask)
  onForm('/bundles/:slug/guests', admit)
  onForm('/bundles/:slug/guests/dismiss', dismiss)
  return router
}

async function sendRequests(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const { requests } = services
  const cursor = asked(req, 'cursor')
  const toAnswer = await requests.list(account, { which: 'asked' })
  const mine = await requests.list(account, { which: 'mine', ...(cursor !== '' && { cursor }) })
  await requests.noteTold(account)
  const next = mine.nextCursor
  sendForm(visit, 'requests', {
    title: 'Requests',
    data: {
      toAnswer: toAnswer.items.filter(({ state }) => state === 'open').map(rowOf),
      answered: toAnswer.items.filter(({ state }) => state !== 'open').map(rowOf),
      mine: mine.items.map(rowOf),
      nextUrl: next === null ? undefined : `/requests?cursor=${encodeURIComponent(next)}`,
    },
    ...more,
  })
}

const STATES = { open: 'not answered yet', granted: 'granted', denied: 'denied' } as const

const rowOf = (request: AccessRequest): object => ({
  ...request,
  url: `/bundles/${request.bundle}`,
  shownTitle: request.title ?? request.bundle,
  asked: momentText(request.askedAt),
  stateText: STATES[request.state],
  end: request.until === null ? '' : momentText(request.until),
})

async function answer(visit: Visit, as: 'granted' | 'denied'): Promise<void> {
  const { services, account, req, res } = visit
  const id = param(req, 'id')
  try {
    if (as === 'denied') await services.requests.deny(account, id, field(req, 'answer'))
    else
      await services.requests.grant(account, id, {
        name: field(req, 'to'),
        until: field(req, 'until'),
        answer: field(req, 'answer'),
      })
  } catch (error) {
    await sendRequests(visit, { problem: sentenceOf(error, { mayBeAbsent: true }) })
    return
  }
  res.redirect(303, `/requests?said=${as}`)
}

/** Says the same whether there is such a bundle or not. */
async function ask(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  try {
    await services.requests.ask(account, slug(param(req, 'slug')), field(req, 'reason'))
  } catch (error) {
    await sendRequests(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/requests?said=asked')
}

async function admit({ services, account, req, res }: Visit): Promise<void> {
  const name = slug(param(req, 'slug'))
  await services.requests.admit(account, name, { name: field(req, 'name'), until: field(req, 'until') })
  res.redirect(303, `/bundles/${name}#guests`)
}

async function dismiss({ services, account, req, res }: Visit): Promise<void> {
  const name = slug(param(req, 'slug'))
  await services.requests.dismiss(account, name, field(req, 'name'))
  res.redirect(303, `/bundles/${name}#guests`)
}
