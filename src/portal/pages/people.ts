/** Pages about people: who there is, one of them, groups, one's own account, invitations, the first admin. */
import express, { type Request, type Response, type Router } from 'express'
import { zPersonQuery, zPersonRole, type Invitation } from '../../wire/api.ts'
import type { PageServices } from '../pages-host.ts'
import { invitationOf, personPageOf, personUrl, ROLES, roleText, rowOf, shownName } from './people-view.ts'
import { renderPage, type Template } from './render.ts'
import { asked, field, frameOf, param, sentenceOf, visited, type Visit } from './visit.ts'

/** What a form did, by the word in the address to which it leads: texts of an address are never shown. */
const SAID: Readonly<Record<string, string>> = {
  changed: 'Changed.',
  joined: 'Put into the group.',
  left: 'Taken out of the group.',
  disabled: 'Disabled: sessions, tokens, links and devices have ended.',
  enabled: 'Enabled.',
  added: 'Added.',
  deleted: 'Deleted.',
  password: 'The password is changed, and other places are signed out.',
  elsewhere: 'Signed out everywhere else.',
}

const readForm = express.urlencoded({ limit: '4kb', extended: false })

export function peoplePages(services: PageServices): Router {
  const router = express.Router()
  const on = (path: string, page: (visit: Visit) => Promise<void>): void => {
    router.get(path, visited(services, page))
  }
  const onForm = (path: string, page: (visit: Visit) => Promise<void>): void => {
    router.post(path, readForm, visited(services, page))
  }
  router.get('/welcome/:code', async (req, res) => {
    await sendWelcome(services, req, res)
  })
  on('/set-up', (visit) => sendSetUp(visit))
  onForm('/set-up', setUp)
  on('/account', (visit) => sendAccount(visit))
  onForm('/account/password', changePassword)
  onForm('/account/elsewhere', signOutElsewhere)
  on('/people', (visit) => sendPeople(visit))
  onForm('/people', addPerson)
  on('/people/:name', (visit) => sendPerson(visit))
  onForm('/people/:name', changePerson)
  onForm('/people/:name/invite', invitePerson)
  for (const [act, work] of Object.entries(ACTS))
    onForm(`/people/:name/${act}`, (visit) => actOnPerson(visit, work))
  on('/groups', (visit) => sendGroups(visit))
  onForm('/groups', addGroup)
  onForm('/groups/delete', deleteGroup)
  return router
}

interface More {
  readonly problem?: string
  readonly invitation?: object
}

function send(
  visit: Visit,
  template: Template,
  page: { readonly title: string; readonly data: object } & More,
): void {
  const { title, data, ...more } = page
  const said = SAID[asked(visit.req, 'said')]
  visit.res
    .status(more.problem === undefined ? 200 : 409)
    .set('cache-control', 'no-store')
    .type('html')
    .send(
      renderPage(template, frameOf(visit, title), { ...data, ...more, ...(said !== undefined && { said }) }),
    )
}

/** Not for whoever is signed in only: an invited person has no account to sign in with. */
async function sendWelcome(services: PageServices, req: Request, res: Response): Promise<void> {
  const code = param(req, 'code')
  const person = await services.people.invited(code)
  const data =
    person === undefined
      ? { isOver: true }
      : {
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

async function sendSetUp(visit: Visit, more: More = {}): Promise<void> {
  const { services, account, req, res } = visit
  if (!(await services.people.mayStart(account))) {
    res.redirect(303, '/')
    return
  }
  const data = { name: field(req, 'name'), displayName: field(req, 'displayName') }
  send(visit, 'set-up', { title: 'Make your account', data, ...more })
}

async function setUp(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const draft = {
    name: field(req, 'name').trim().toLowerCase(),
    displayName: field(req, 'displayName'),
    password: field(req, 'password'),
  }
  try {
    await services.people.start(req, account, draft)
  } catch (error) {
    await sendSetUp(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/')
}

async function sendAccount(visit: Visit, more: More = {}): Promise<void> {
  const { services, account, req } = visit
  const own = await services.people.own(req)
  const data = {
    name: account.user,
    shownName: own === undefined ? account.user : shownName(own.person),
    roleText: roleText(account.role),
    groups: account.groups,
    isPerson: own !== undefined,
    others: own === undefined ? 0 : own.sessions - 1,
  }
  send(visit, 'account', { title: 'Your account', data, ...more })
}

async function changePassword(visit: Visit): Promise<void> {
  const { services, req, res } = visit
  try {
    await services.people.changePassword(req, { old: field(req, 'old'), new: field(req, 'password') })
  } catch (error) {
    await sendAccount(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/account?said=password')
}

async function signOutElsewhere({ services, req, res }: Visit): Promise<void> {
  await services.people.signOutElsewhere(req)
  res.redirect(303, '/account?said=elsewhere')
}

async function sendPeople(visit: Visit, more: More = {}): Promise<void> {
  const { services, account, req } = visit
  const [q, group, cursor] = [asked(req, 'q'), asked(req, 'group'), asked(req, 'cursor')]
  const query = zPersonQuery.parse({
    ...(q !== '' && { q: q.slice(0, 200) }),
    ...(group !== '' && { group: group.slice(0, 64) }),
    ...(cursor !== '' && { cursor }),
  })
  const { items, nextCursor } = await services.people.list(account, query)
  const next = new URLSearchParams({ q, group, cursor: nextCursor ?? '' })
  const data = {
    q,
    group,
    items: items.map(rowOf),
    nextUrl: nextCursor === null ? undefined : `/people?${next.toString()}`,
    mayManage: services.people.mayManage(account),
    roles: ROLES,
    draft: draftOf(req),
  }
  send(visit, 'people', { title: 'People', data, ...more })
}

const draftOf = (req: Request): { name: string; displayName: string; email: string; role: string } => ({
  name: field(req, 'name'),
  displayName: field(req, 'displayName'),
  email: field(req, 'email'),
  role: field(req, 'role') || 'viewer',
})

async function addPerson(visit: Visit): Promise<void> {
  const { services, account, req } = visit
  const draft = draftOf(req)
  let made: { readonly invitation: Invitation; readonly person: { readonly name: string } }
  try {
    made = await services.people.create(account, {
      ...draft,
      name: draft.name.trim().toLowerCase(),
      role: zPersonRole.parse(draft.role),
    })
  } catch (error) {
    await sendPeople(visit, { problem: sentenceOf(error) })
    return
  }
  req.body = {} // the form is empty for the next one
  await sendPeople(visit, { invitation: invitationOf(made.person.name, made.invitation) })
}

async function sendPerson(visit: Visit, more: More = {}): Promise<void> {
  const { services, account, req } = visit
  const person = await services.people.find(account, param(req, 'name'))
  const mayManage = services.people.mayManage(account)
  const groups = mayManage ? (await services.people.groups(account)).map(({ name }) => name) : []
  const data = { ...personPageOf(person, groups), mayManage }
  send(visit, 'person', { title: shownName(person), data, ...more })
}

async function changePerson(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const name = param(req, 'name')
  try {
    await services.people.change(account, name, {
      displayName: field(req, 'displayName'),
      email: field(req, 'email'),
      role: zPersonRole.parse(field(req, 'role')),
    })
  } catch (error) {
    await sendPerson(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, `${personUrl(name)}?said=changed`)
}

/** Answers the word of {@link SAID}. */
type Act = (visit: Visit, name: string) => Promise<string>

const ACTS: Readonly<Record<string, Act>> = {
  async join({ services, account, req }, name) {
    await services.people.join(account, name, field(req, 'group'))
    return 'joined'
  },
  async leave({ services, account, req }, name) {
    await services.people.leave(account, name, field(req, 'group'))
    return 'left'
  },
  async disable({ services, account }, name) {
    await services.people.disable(account, name)
    return 'disabled'
  },
  async enable({ services, account }, name) {
    await services.people.enable(account, name)
    return 'enabled'
  },
}

async function actOnPerson(visit: Visit, work: Act): Promise<void> {
  const { req, res } = visit
  const name = param(req, 'name')
  try {
    const said = await work(visit, name)
    res.redirect(303, `${personUrl(name)}?said=${said}`)
  } catch (error) {
    await sendPerson(visit, { problem: sentenceOf(error) })
  }
}

async function invitePerson(visit: Visit): Promise<void> {
  const { services, account, req } = visit
  const name = param(req, 'name')
  const more = await services.people.invite(account, name).then(
    (invitation): More => ({ invitation: invitationOf(name, invitation) }),
    (error: unknown): More => ({ problem: sentenceOf(error) }),
  )
  await sendPerson(visit, more)
}

async function sendGroups(visit: Visit, more: More = {}): Promise<void> {
  const { services, account } = visit
  const data = {
    groups: await services.people.groups(account),
    mayManage: services.people.mayManage(account),
  }
  send(visit, 'groups', { title: 'Groups', data, ...more })
}

async function addGroup(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  try {
    await services.people.createGroup(account, {
      name: field(req, 'name'),
      description: field(req, 'description'),
    })
  } catch (error) {
    await sendGroups(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/groups?said=added')
}

async function deleteGroup({ services, account, req, res }: Visit): Promise<void> {
  await services.people.deleteGroup(account, field(req, 'name'))
  res.redirect(303, '/groups?said=deleted')
}
