/** An OpenID Connect issuer on loopback (oidc-provider), and a person who signs in there as a browser would. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type Configuration } from 'oidc-provider'

/** What the issuer says of a person beside their subject. */
export type IssuedClaims = Readonly<Record<string, unknown>>

export const CLIENT = { id: 'shoal', secret: 'a secret of the issuer and the portal' }

export class OidcIssuer implements AsyncDisposable {
  /** By the name with which they sign in there, which is their subject, too. */
  readonly people = new Map<string, IssuedClaims>()
  readonly url: string
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(redirectUri: string): Promise<OidcIssuer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuer = new OidcIssuer(server)
    const configuration: Configuration = {
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [redirectUri],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      claims: {
        openid: ['sub'],
        profile: ['name', 'preferred_username'],
        email: ['email', 'email_verified'],
        groups: ['groups'],
      },
      pkce: { required: () => true },
      findAccount: (_context, accountId) => {
        const claims = issuer.people.get(accountId)
        if (claims === undefined) return undefined
        return { accountId, claims: () => ({ sub: accountId, ...claims }) }
      },
    }
    const provider = new Provider(issuer.url, configuration)
    const handle = provider.callback()
    server.on('request', (req, res) => void handle(req, res))
    return issuer
  }

  /**
   * Follows `url`, which the portal sent the browser to, signs in as `name` and agrees to everything. Answers the address at
   * the portal to which the browser is sent back.
   */
  async signIn(url: string, name: string): Promise<URL> {
    const cookies = new Map<string, string>()
    let response = await this.#send(url, cookies)
    for (const form of [{ prompt: 'login', login: name, password: 'any' }, { prompt: 'consent' }]) {
      const there = await this.#follow(response, cookies)
      if (there instanceof URL) return there
      response = await this.#send(there, cookies, form)
    }
    const back = await this.#follow(response, cookies)
    if (back instanceof URL) return back
    throw new Error(`the issuer still asks at ${back}`)
  }

  /** To the page on which something is asked, as its address; a URL is one elsewhere. */
  async #follow(response: Response, cookies: Map<string, string>): Promise<string | URL> {
    let last = response
    for (let hops = 0; hops < 10; hops++) {
      const location = last.headers.get('location')
      if (location === null) throw new Error(`${last.status} ${await last.text()}`)
      const url = new URL(location, this.url)
      if (url.origin !== this.url) return url
      if (url.pathname.startsWith('/interaction/')) return url.href
      last = await this.#send(url.href, cookies)
    }
    throw new Error('the issuer goes round in circles')
  }

  async #send(url: string, cookies: Map<string, string>, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    return response
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
