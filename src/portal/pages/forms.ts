/** What pages with forms share. */
import express, { type Router } from 'express'
import type { PageServices } from '../pages-host.ts'
import { renderPage, type PageFrame, type Template } from './render.ts'
import { asked, frameOf, visited, type Visit } from './visit.ts'

/** What a form did, by the word in the address to which it leads: texts of an address are never shown. */
const SAID: Readonly<Record<string, string>> = {
  changed: 'Changed.',
  joined: 'Put into the group.',
  left: 'Taken out of the group.',
  disabled: 'Disabled: sessions, tokens, links and devices have ended.',
  enabled: 'Enabled.',
  added: 'Added.',
  deleted: 'Deleted.',
  saved: 'Saved.',
  password: 'The password is changed, and other places are signed out.',
  elsewhere: 'Signed out everywhere else.',
  feed: 'The feed is worth nothing any more.',
  revoked: 'The token is worth nothing any more.',
  allowed: 'Allowed. Go back to the terminal: it is signed in.',
  denied: 'Denied.',
  granted: 'Granted.',
  taken: 'Revoked: every tracker refuses it within seconds.',
  sites: 'The map is in use: every client is asked to announce again.',
  asked: 'Asked. If there is such a thing, its owner reads it; the answer will stand here.',
}

/** A character of a form in its encoding: up to four bytes of three characters. */
export const FORM_CHARS = 12

const readForm = express.urlencoded({ limit: '4kb', extended: false })

export interface PageRouter {
  readonly router: Router
  readonly on: (path: string, page: (visit: Visit) => Promise<void>) => void
  readonly onForm: (path: string, page: (visit: Visit) => Promise<void>) => void
}

export function pageRouter(services: PageServices): PageRouter {
  const router = express.Router()
  return {
    router,
    on(path, page) {
      router.get(path, visited(services, page))
    },
    onForm(path, page) {
      router.post(path, readForm, visited(services, page))
    },
  }
}

/** What a form that was just sent has led to, for the page on which it stands. */
export interface FormOutcome {
  readonly problem?: string
  readonly invitation?: object
  readonly token?: object
  readonly feedUrl?: string
}

export function sendForm(
  visit: Visit,
  template: Template,
  page: { readonly title: string; readonly data: object } & FormOutcome,
  frame: Pick<PageFrame, 'refreshes' | 'uploads'> = {},
): void {
  const { title, data, ...more } = page
  const said = SAID[asked(visit.req, 'said')]
  visit.res
    .status(more.problem === undefined ? 200 : 409)
    .set('cache-control', 'no-store')
    .type('html')
    .send(
      renderPage(
        template,
        { ...frameOf(visit, title), ...frame },
        { ...data, ...more, ...(said !== undefined && { said }) },
      ),
    )
}
