/**
 * A small company on a portal that runs, made over its API: people, groups, requests, grants, so that every page has something
 * to show. For the test of every page (`test/e2e/every-page.test.ts`) and for `scripts/screenshots`.
 */
import assert from 'node:assert/strict'
import type { Invitation, Link } from '../../src/wire/api.ts'

export const PASSWORD = 'lamp river nineteen cobalt'

/** `first`: whoever has just opened the set-up link; `nobody`: without a session. */
export type Visitor = 'nobody' | 'first' | 'admin' | 'publisher' | 'viewer'

/** Addresses that a list of pages cannot know before. */
export interface Places {
  readonly bundle: string
  /** Not for the viewer. */
  readonly closed: string
  readonly welcome: string
  readonly sealedLink: string
  readonly activate: string
  /** The publisher's, with a file that is not there yet. */
  readonly draft: string
}

interface Bundles {
  /** For everyone, and live. */
  readonly open: string
  /** For the group `board`, live. */
  readonly closed: string
}

const PEOPLE = [
  { name: 'ada', displayName: 'Ada Byrne', role: 'admin', email: 'ada@example.com', groups: ['board'] },
  { name: 'grace', displayName: 'Grace Okafor', role: 'publisher', groups: ['training'] },
  { name: 'vera', displayName: 'Vera Lindqvist', role: 'viewer', groups: ['sales', 'lyon'] },
  { name: 'otto', displayName: 'Otto Brandt', role: 'operator', groups: ['it'] },
  { name: 'noor', displayName: 'Noor Haddad', role: 'auditor', groups: [] },
  { name: 'tomas', displayName: 'Tomás Ribeiro', role: 'viewer', groups: ['sales'] },
  { name: 'mei', displayName: 'Mei Tanaka', role: 'viewer', groups: ['lyon', 'training'] },
] as const
const GROUPS = {
  board: 'Who decides',
  it: 'Networks, machines, accounts',
  lyon: 'Everybody at the site in Lyon',
  sales: 'Everybody who sells',
  training: 'Who makes courses',
} as const
const SITES = [
  { name: 'lyon', cidrs: ['10.4.0.0/16'] },
  { name: 'oslo', cidrs: ['10.7.0.0/16', '2001:db8:7::/48'] },
]

export class PageWorld {
  /** Without a slash at its end. */
  readonly address: string
  /** What the browser of each sends. */
  readonly cookies = new Map<Visitor, string>([['nobody', '']])
  readonly #adminToken: string

  constructor(at: { readonly address: string; readonly adminToken: string }) {
    this.address = at.address
    this.#adminToken = at.adminToken
  }

  /** Opens the set-up link, as the first administrator does. */
  async begin(setUpUrl: string): Promise<void> {
    this.cookies.set('first', await this.#cookieOf(await this.#open(new URL(setUpUrl).pathname)))
  }

  /** Everybody comes, asks and is given something. */
  async fill({ open, closed }: Bundles): Promise<Places> {
    for (const [name, description] of Object.entries(GROUPS))
      await this.#api('POST', '/groups', { name, description })
    const invitations = new Map<string, string>()
    for (const person of PEOPLE) {
      const { invitation } = await this.#api<{ invitation: Invitation }>('POST', '/users', person)
      invitations.set(person.name, new URL(invitation.url).pathname)
    }
    for (const [name, visitor] of [
      ['ada', 'admin'],
      ['grace', 'publisher'],
      ['vera', 'viewer'],
      ['tomas', undefined],
    ] as const) {
      // prettier-ignore
      const answer = await this.#open(invitations.get(name) ?? '', { password: PASSWORD })
      if (visitor !== undefined) this.cookies.set(visitor, await this.#cookieOf(answer))
    }
    await this.#api('PUT', '/sites', { items: SITES })
    const [vera, tomas, grace] = await Promise.all(
      ['vera', 'tomas', 'grace'].map((name) => this.#tokenOf(name)),
    )
    await this.#api('POST', `/bundles/${closed}/requests`, { reason: 'I speak at the next meeting, and want to have seen the last one.' }, vera) // prettier-ignore
    await this.#api(
      'POST',
      `/bundles/${closed}/requests`,
      { reason: 'For the figures of the quarter.' },
      tomas,
    )
    await this.#answer('tomas')
    for (const token of [vera, tomas, grace])
      await this.#api('POST', `/bundles/${open}/releases/latest/links`, {}, token)
    // some have watched it, where that is recorded
    for (const [token, to] of [[vera, 130], [tomas, 420]] as const) // prettier-ignore
      await this.#api('POST', `/bundles/${open}/releases/latest/watched`, { file: 0, durationSeconds: 420, ranges: [[0, to]] }, token) // prettier-ignore
    const sealed = { for: 'A contractor', password: PASSWORD }
    const { pageUrl } = await this.#api<Link>('POST', `/bundles/${open}/releases/latest/links`, sealed)
    const { userCode } = await this.#api<{ userCode: string }>('POST', '/logins', {
      client: 'shoal on lyon-07',
    })
    const { id } = await this.#api<{ id: string }>('POST', '/drafts', {}, grace)
    await this.#api('PUT', `/drafts/${id}`, { title: 'Ladders and scaffolds', tags: ['safety'] }, grace)
    await this.#api('POST', `/drafts/${id}/files`, { files: [{ path: 'Ladders.mp4', sizeBytes: 48_000_000 }] }, grace) // prettier-ignore
    return {
      bundle: open,
      closed,
      welcome: invitations.get('mei') ?? '',
      sealedLink: new URL(pageUrl ?? '').pathname,
      activate: `/activate?code=${userCode}`,
      draft: `/publish/${id}`,
    }
  }

  /** Grants what somebody asked for. */
  async #answer(person: string): Promise<void> {
    const { items } = await this.#api<{ items: { id: string; person: string }[] }>(
      'GET',
      '/requests?which=asked',
    )
    const asked = items.find((request) => request.person === person)
    const until = new Date(Date.now() + 30 * 24 * 3_600_000).toISOString()
    await this.#api('POST', `/requests/${asked?.id ?? ''}/grant`, {
      until,
      answer: 'Until the report is out.',
    })
  }

  async #tokenOf(user: string): Promise<string> {
    const role = user === 'grace' ? 'publisher' : 'viewer'
    const made = await this.#api<{ token: string }>('POST', '/tokens', {
      name: `laptop of ${user}`,
      role,
      user,
    })
    return made.token
  }

  async #api<T = unknown>(method: string, path: string, body?: object, token = this.#adminToken): Promise<T> {
    const answer = await fetch(`${this.address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }

  /** As a browser opens a page, or sends a form. */
  #open(path: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    return fetch(`${this.address}${path}`, {
      redirect: 'manual',
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    })
  }

  async #cookieOf(answer: Response): Promise<string> {
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0]
    assert.ok(cookie !== undefined, `nobody is signed in: ${answer.status} ${await answer.text()}`)
    return cookie
  }
}
