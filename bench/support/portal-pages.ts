/** The pages of a portal as people open them: HTML, by the cookie of a session. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import type { Ask, HttpLoad } from './http-load.ts'
import { AUDIT, slugOf } from './library.ts'
import { oneOf, frequentOf, KINDS, TAGS, TOPICS } from './words.ts'

const PASSWORD = 'lamp river nineteen cobalt'
const ADMIN = 'person-0'
/** In four groups; has asked for things and was given some. */
const VIEWER = 'person-62'

export interface PageParts {
  readonly load: HttpLoad
  readonly dataDir: string
  readonly portal: string
  readonly bundles: number
  readonly people: number
  readonly requests: number
}

/** Many addresses of each page, by who opens it. */
export async function pagesOf(parts: PageParts): Promise<Readonly<Record<string, readonly Ask[]>>> {
  const { bundles, people, requests } = parts
  const [admin, viewer] = [await signIn(parts, ADMIN), await signIn(parts, VIEWER)]
  const random = seededRandom(21)
  const many = (cookie: string, path: () => string): readonly Ask[] =>
    Array.from({ length: requests }, () => ({ path: path(), cookie }))
  const word = (): string => (oneOf(TOPICS, random).split(' ')[0] ?? '').toLowerCase()
  const person = (): string => `person-${Math.floor(random() * people)}`
  /** One that is for everyone. */
  const bundle = (): string => `/bundles/${slugOf(Math.floor((random() * bundles) / 3) * 3)}`
  const search = (): string => `/?q=${word()}+${frequentOf(KINDS, random)}`
  return {
    library: many(viewer, () => '/'),
    libraryOfAdmin: many(admin, () => '/'),
    libraryOfTag: many(viewer, () => `/?tag=${oneOf(TAGS, random)}`),
    librarySearch: many(viewer, search),
    librarySearchOfAdmin: many(admin, search),
    bundle: many(viewer, bundle),
    bundleOfAdmin: many(admin, bundle),
    account: many(viewer, () => '/account'),
    grants: many(viewer, () => '/grants'),
    grantsOfAll: many(admin, () => '/grants'),
    grantsOfPerson: many(admin, () => `/grants?user=${person()}`),
    requests: many(viewer, () => '/requests'),
    requestsToAnswer: many(admin, () => '/requests'),
    people: many(admin, () => '/people'),
    peopleSearch: many(admin, () => `/people?q=number+${Math.floor(random() * people)}`),
    peopleOfGroup: many(
      admin,
      () => `/people?group=dept-${String(Math.floor(random() * 200)).padStart(3, '0')}`,
    ),
    person: many(admin, () => `/people/${person()}`),
    groups: many(admin, () => '/groups'),
    audit: many(admin, () => '/audit'),
    auditOfPerson: many(admin, () => `/audit?actor=${person()}`),
    auditOfRareAction: many(admin, () => `/audit?action=${AUDIT.rareAction}`),
    sites: many(admin, () => '/sites'),
    operate: many(admin, () => '/operate'),
  }
}

/** By an invitation, as everybody comes the first time. Gives the cookie. */
async function signIn({ load, dataDir, portal }: PageParts, name: string): Promise<string> {
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const made = await load.send({ method: 'POST', path: `/api/v1/users/${name}/invitation`, token })
  if (made.status !== 201) throw new Error(`no invitation: ${made.status} ${made.body}`)
  const { url } = JSON.parse(made.body) as { url: string }
  const answer = await fetch(new URL(new URL(url).pathname, portal), {
    method: 'POST',
    body: new URLSearchParams({ password: PASSWORD }),
    redirect: 'manual',
  })
  const cookie = answer.headers.getSetCookie().map((text) => text.split(';')[0] ?? '')
  if (answer.status !== 303 || cookie.length === 0)
    throw new Error(`${name} did not come in: ${answer.status}`)
  return cookie.join('; ')
}
