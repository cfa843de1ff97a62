/** A person on the portal's pages, in a browser without JavaScript: how tests sign in and send forms. */
import request from 'supertest'
import type { PersonRole } from '../../src/wire/api.ts'
import type { TestPortal } from './test-portal.ts'

export const PASSWORD = 'lamp river nineteen cobalt'

export type Browser = ReturnType<typeof request.agent>

export const browserOf = ({ portal }: TestPortal): Browser => request.agent(portal.handler)

/** A new account, with {@link PASSWORD} by its invitation, signed in. */
export async function signedIn(
  portal: TestPortal,
  name: string,
  role: PersonRole = 'viewer',
): Promise<Browser> {
  const made = await portal.api('post', '/users', portal.adminToken).send({ name, role }).expect(201)
  const { url } = (made.body as { invitation: { url: string } }).invitation
  const page = browserOf(portal)
  await page.post(new URL(url).pathname).type('form').send({ password: PASSWORD }).expect(303)
  return page
}

/** A form as our own page sends it, with the session's token. */
export async function sendForm(page: Browser, path: string, fields: object = {}): Promise<request.Response> {
  const _csrf = /name="_csrf" value="([^"]+)"/.exec((await page.get('/account')).text)?.[1]
  return page
    .post(path)
    .type('form')
    .send({ ...fields, _csrf })
}
