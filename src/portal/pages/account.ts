/** Pages about oneself: signing in, invitations, the first admin, one's own account, terminals that want a token. */
import type { Request, Response, Router } from 'express'
import { nextPage } from '../next-page.ts'
import type { PageServices } from '../pages-host.ts'
import { pageRouter, sendForm, type FormOutcome } from './forms.ts'
import { rolesToChoose, roleText, shownName, tokenRowOf } from './people-view.ts'
import { renderPage } from './render.ts'
import { momentText } from './view-model.ts'
import { asked, field, param, sentenceOf, type Visit } from './visit.ts'

/** Why a sign-in failed, by the word in the address: texts of an address are never shown. */
const FAILURES: Readonly<Record<string, string>> = {
  company: 'The company login did not let you in, or it took too long. Try again, or ask whoever runs Shoal.',
  'company-bad-input':
    'The company login did not say who you are in a way that is understood here. Tell whoever runs Shoal.',
  'company-not-granted': 'Your account here is disabled, or this needs TLS. Ask whoever runs Shoal.',
  'company-conflict':
    'There is an account of your name here already. If it is yours, ask for an invitation: it joins the two.',
  'company-over-limit': 'That was tried too often. Wait a minute, and try again.',
}
const FAILED =
  'That name and password are not known here, were tried too often, or may not be used from this machine over plain HTTP.'

export function accountPages(services: PageServices): Router {
  const { router, on, onForm } = pageRouter(services)
  router.get('/login', async (req, res) => {
    if ((await services.account(req)) !== undefined) res.redirect(303, nextPage(req.query['next']))
    else sendLogin(services, req, res)
  })
  router.get('/welcome/:code', async (req, res) => {
    await sendWelcome(services, req, res)
  })
  on('/set-up', (visit) => sendSetUp(visit))
  onForm('/set-up', setUp)
  on('/account', (visit) => sendAccount(visit))
  onForm('/account/password', changePassword)
  onForm('/account/elsewhere', signOutElsewhere)
  onForm('/account/tokens', makeToken)
  onForm('/account/tokens/revoke', revokeToken)
  onForm('/account/feed', makeFeed)
  onForm('/account/feed/delete', deleteFeed)
  on('/activate', (visit) => sendActivate(visit))
  onForm('/activate', answerLogin)
  return router
}

function sendLogin(services: PageServices, req: Request, res: Response): void {
  const failed = asked(req, 'failed')
  const next = nextPage(req.query['next'])
  const { companyLabel } = services
  const data = {
    next,
    ...(companyLabel !== undefined && {
      companyLabel,
      companyUrl: `/login/company?next=${encodeURIComponent(next)}`,
    }),
    ...(failed !== '' && { problem: FAILURES[failed] ?? FAILED }),
  }
  res
    .status(failed === '' ? 200 : 401)
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('login', { title: 'Sign in', query: '' }, data))
}

/** Not for whoever is signed in only: an invited person has no account to sign in with. */
async function sendWelcome(services: PageServices, req: Request, res: Response): Promise<void> {
  const code = param(req, 'code')
  const person = await services.own.invited(code, res)
  const data =
    person === undefined
      ? { isOver: true }
      : {
          ...(services.companyLabel !== undefined && {
            companyLabel: services.companyLabel,
            companyUrl: `/login/company?invitation=${encodeURIComponent(code)}`,
          }),
          name: person.name,
          shownName: shownName(person),
          action: `/welcome/${encodeURIComponent(code)}`,
          ...(asked(req, 'weak') !== '' && {
            problem:
              'That password is too short or easily guessed: four words that have nothing to do with each other are a good one.',
          }),
        }
  res
    .status(person === undefined ? 404 : 200)
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('welcome', { title: 'Welcome', query: '' }, data))
}

async function sendSetUp(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req, res } = visit
  if (!(await services.own.mayStart(account))) {
    res.redirect(303, '/')
    return
  }
  const data = { name: field(req, 'name'), displayName: field(req, 'displayName') }
  sendForm(visit, 'set-up', { title: 'Make your account', data, ...more })
}

async function setUp(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const draft = {
    name: field(req, 'name').trim().toLowerCase(),
    displayName: field(req, 'displayName'),
    password: field(req, 'password'),
  }
  try {
    await services.own.start(req, account, draft)
  } catch (error) {
    await sendSetUp(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/')
}

async function sendAccount(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const own = await services.own.own(req)
  const data = {
    name: account.user,
    shownName: own === undefined ? account.user : shownName(own.person),
    roleText: roleText(account.role),
    groups: account.groups,
    isPerson: own !== undefined,
    hasPassword: own?.person.hasPassword === true,
    others: own === undefined ? 0 : own.sessions - 1,
    feedSince: own?.feed === undefined ? undefined : momentText(own.feed.createdAt),
    tokens: own?.tokens.map(tokenRowOf) ?? [],
    roles: own === undefined ? [] : rolesToChoose(own.roles),
    draft: { name: field(req, 'name'), role: field(req, 'role'), days: field(req, 'days') || '90' },
  }
  sendForm(visit, 'account', { title: 'Your account', data, ...more })
}

async function changePassword(visit: Visit): Promise<void> {
  const { services, req, res } = visit
  try {
    await services.own.changePassword(req, { old: field(req, 'old'), new: field(req, 'password') })
  } catch (error) {
    await sendAccount(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/account?said=password')
}

async function signOutElsewhere({ services, req, res }: Visit): Promise<void> {
  await services.own.signOutElsewhere(req)
  res.redirect(303, '/account?said=elsewhere')
}

/** The token itself is on this one page and never again. */
async function makeToken(visit: Visit): Promise<void> {
  const { services, req } = visit
  const draft = { name: field(req, 'name'), role: field(req, 'role'), days: field(req, 'days') }
  const outcome = await services.own.makeToken(req, draft).then(
    ({ name, token }): FormOutcome => ({ token: { name, text: token } }),
    (error: unknown): FormOutcome => ({ problem: sentenceOf(error) }),
  )
  if (outcome.problem === undefined) req.body = {} // the form is empty for the next one
  await sendAccount(visit, outcome)
}

async function revokeToken({ services, req, res }: Visit): Promise<void> {
  await services.own.revokeToken(req, field(req, 'id'))
  res.redirect(303, '/account?said=revoked')
}

/** Its address is on this one page and never again. */
async function makeFeed(visit: Visit): Promise<void> {
  const { services, req } = visit
  await sendAccount(visit, { feedUrl: await services.own.makeFeed(req) })
}

async function deleteFeed({ services, req, res }: Visit): Promise<void> {
  await services.own.deleteFeed(req)
  res.redirect(303, '/account?said=feed')
}

async function sendActivate(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, req } = visit
  const code = field(req, 'code') || asked(req, 'code').slice(0, 20)
  const own = await services.own.own(req)
  const login = code === '' ? undefined : services.own.askedLogin(code)
  const data = {
    code,
    login,
    isPerson: own !== undefined,
    isUnknown: code !== '' && login === undefined && more.problem === undefined && asked(req, 'said') === '',
    roles: own === undefined ? [] : rolesToChoose(own.roles),
    // an admin's everything is seldom what a terminal needs
    chosen: own?.person.role === 'admin' ? 'publisher' : own?.person.role,
  }
  sendForm(visit, 'activate', { title: 'Sign in a terminal', data, ...more })
}

async function answerLogin(visit: Visit): Promise<void> {
  const { services, req, res } = visit
  const code = field(req, 'code')
  const isAllowed = field(req, 'answer') === 'allow'
  try {
    if (isAllowed) await services.own.allowLogin(req, code, field(req, 'role'))
    else await services.own.denyLogin(req, code)
  } catch (error) {
    await sendActivate(visit, { problem: sentenceOf(error, { mayBeAbsent: true }) })
    return
  }
  res.redirect(303, `/activate?said=${isAllowed ? 'allowed' : 'denied'}`)
}
