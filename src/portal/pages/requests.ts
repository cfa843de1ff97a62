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

async function sendRequests(visit: Visit, outcome: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const { requests } = services
  const [moreOpen, moreOwn] = [asked(req, 'open'), asked(req, 'cursor')]
  const open = await requests.list(account, {
    which: 'asked',
    state: 'open',
    ...(moreOpen !== '' && { cursor: moreOpen }),
  })
  const granted = await requests.list(account, { which: 'asked', state: 'granted' })
  const denied = await requests.list(account, { which: 'asked', state: 'denied' })
  const mine = await requests.list(account, { which: 'mine', ...(moreOwn !== '' && { cursor: moreOwn }) })
  await requests.noteTold(account)
  sendForm(visit, 'requests', {
    title: 'Requests',
    data: {
      toAnswer: open.items.map(rowOf),
      openUrl: nextOf('open', open),
      answered: [...granted.items, ...denied.items]
        .toSorted((a, b) => (a.askedAt < b.askedAt ? 1 : -1))
        .map(rowOf),
      mine: mine.items.map(rowOf),
      nextUrl: nextOf('cursor', mine),
    },
    ...outcome,
  })
}

const nextOf = (name: string, { nextCursor }: { readonly nextCursor: string | null }): string | undefined =>
  nextCursor === null ? undefined : `/requests?${name}=${encodeURIComponent(nextCursor)}`

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
