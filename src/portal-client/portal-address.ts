/** How a portal is named: by its origin, `https://media.example.com`, nothing behind it. */
import { ShoalError } from '../core/errors.ts'
import { limits } from '../wire/limits.ts'

/**
 * The origin of what a person typed, or of a URL of the portal: scheme, host and port in canonical spelling.
 *
 * @throws ShoalError `bad-usage` for what is no http(s) URL, or names a user or a password.
 */
export function portalOrigin(text: string): string {
  const url = text.length > limits.urlCharsMax ? null : URL.parse(text.trim())
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username !== '' ||
    url.password !== ''
  )
    throw new ShoalError('bad-usage', 'the address of a portal is a URL such as https://media.example.com')
  return url.origin
}
