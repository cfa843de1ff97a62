/** Pages about people: who there is, one of them, groups. */
import type { Request, Router } from 'express'
import { zPersonQuery, zPersonRole, type Invitation } from '../../wire/api.ts'
import type { PageServices } from '../pages-host.ts'
import { pageRouter, sendForm, type FormOutcome } from './forms.ts'
import { invitationOf, personPageOf, personUrl, ROLES, rowOf, shownName } from './people-view.ts'
import { asked, field, param, sentenceOf, type Visit } from './visit.ts'

export function peoplePages(services: PageServices): Router {
  const { router, on, onForm } = pageRouter(services)
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

async function sendPeople(visit: Visit, more: FormOutcome = {}): Promise<void> {
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
  sendForm(visit, 'people', { title: 'People', data, ...more })
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

async function sendPerson(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const person = await services.people.find(account, param(req, 'name'))
  const mayManage = services.people.mayManage(account)
  const groups = mayManage ? await services.people.groupNames(account) : []
  const data = { ...personPageOf(person, groups), mayManage }
  sendForm(visit, 'person', { title: shownName(person), data, ...more })
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
    (invitation): FormOutcome => ({ invitation: invitationOf(name, invitation) }),
    (error: unknown): FormOutcome => ({ problem: sentenceOf(error) }),
  )
  await sendPerson(visit, more)
}

/** As many as somebody looks through; a company may have a thousand. */
const GROUPS_SHOWN = 100

async function sendGroups(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const [q, after] = [asked(req, 'q').trim().slice(0, 64), asked(req, 'after')]
  const word = q.toLowerCase()
  const found = (await services.people.groups(account)).filter(
    ({ name, description }) =>
      name > after && (name.includes(word) || description.toLowerCase().includes(word)),
  )
  const groups = found.slice(0, GROUPS_SHOWN)
  const last = groups.at(-1)
  const next = new URLSearchParams({ ...(q !== '' && { q }), after: last?.name ?? '' })
  const data = {
    q,
    groups,
    nextUrl: found.length > groups.length ? `/groups?${next.toString()}` : undefined,
    mayManage: services.people.mayManage(account),
  }
  sendForm(visit, 'groups', { title: 'Groups', data, ...more })
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
