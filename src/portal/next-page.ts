/** Where to go after signing in: a path of this portal, never another place (CWE-601). */
import { REDACTED, withoutSecrets } from '../platform/secrets.ts'

const CHARS_MAX = 500
const SOMEWHERE = 'http://portal.invalid'

/** `/` for whatever is no path here, and for one with a grant or a token in it: it would be told to whoever reads addresses. */
export function nextPage(given: unknown): string {
  if (typeof given !== 'string' || given.length > CHARS_MAX || !/^\/[\x21-\x7e]*$/.test(given)) return '/'
  const url = URL.parse(given, SOMEWHERE)
  // As a browser reads it: `//host` and `/\host` are other places.
  if (url?.origin !== SOMEWHERE || given.includes('\\')) return '/'
  // What is left of `/.//host` without its dots is `//host`.
  if (url.pathname.startsWith('//')) return '/'
  if (withoutSecrets(given).includes(REDACTED)) return '/'
  return url.pathname.startsWith('/login') ? '/' : `${url.pathname}${url.search}`
}

/** With the page to come back to, where that is not the first one. */
export const loginUrl = (next: string): string =>
  nextPage(next) === '/' ? '/login' : `/login?next=${encodeURIComponent(next)}`
