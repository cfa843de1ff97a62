/**
 * Signing in with the company's login: OpenID Connect, authorization code flow with PKCE (RFC 7636), state and nonce. The
 * issuer is asked for its addresses and keys at the first sign-in, so that the portal starts without it.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  discovery,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from 'openid-client'
import { ShoalError } from '../../core/errors.ts'
import { hours, type Millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { readClaims, type Claimed } from './claims.ts'
import { PendingLogins } from './pending-logins.ts'
import type { CompanyLoginSettings } from './settings.ts'

/** Issuers change keys and addresses. */
const KNOWN_FOR = hours(1)
const TIMEOUT_S = 10

export interface CompanyLoginParts {
  readonly clock: Clock
  readonly log: Logger
  readonly publicUrl: string
  readonly settings: CompanyLoginSettings & { readonly issuer: string }
}

/** What came back. */
export interface Arrival {
  readonly claimed: Claimed
  readonly next: string
  readonly invitation: string | undefined
}

export const CALLBACK_PATH = '/login/company/callback'

export class CompanyLogin {
  readonly label: string
  readonly #parts: CompanyLoginParts
  readonly #pending: PendingLogins
  #known: { readonly configuration: Promise<Configuration>; readonly until: Millis | number } | undefined

  constructor(parts: CompanyLoginParts) {
    this.#parts = parts
    this.#pending = new PendingLogins(parts.clock)
    this.label = parts.settings.label
  }

  /** Where to send the browser, and what it is to keep meanwhile. @throws ShoalError `unavailable`. */
  async begin(wish: {
    readonly next: string
    readonly invitation: string | undefined
  }): Promise<{ readonly url: URL; readonly secret: string }> {
    const configuration = await this.#configuration()
    const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: `${this.#parts.publicUrl}${CALLBACK_PATH}`,
      scope: this.#parts.settings.scopes.join(' '),
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    return { url, secret: this.#pending.add(state, { ...wish, nonce, codeVerifier }) }
  }

  /**
   * `query`: of the address to which the issuer sent the browser.
   * @throws ShoalError `not-authenticated` when it was not this browser's, not in time, or the issuer refuses.
   */
  async finish(query: string, secret: string): Promise<Arrival> {
    const url = new URL(`${this.#parts.publicUrl}${CALLBACK_PATH}${query}`)
    const state = url.searchParams.get('state') ?? ''
    const pending = this.#pending.take(state, secret)
    if (pending === undefined)
      throw new ShoalError(
        'not-authenticated',
        'this sign-in took too long, or was begun elsewhere: try again',
      )
    const { next, invitation } = pending
    return { claimed: await this.#claimed(url, { state, ...pending }), next, invitation }
  }

  async #claimed(
    url: URL,
    checks: { readonly state: string; readonly nonce: string; readonly codeVerifier: string },
  ): Promise<Claimed> {
    const configuration = await this.#configuration()
    const { settings, log } = this.#parts
    try {
      const tokens = await authorizationCodeGrant(configuration, url, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new ShoalError('bad-input', 'the company login did not say who you are')
      // Many issuers keep the token small, and tell the rest to who asks.
      const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined
      const more = hasMore ? await fetchUserInfo(configuration, tokens.access_token, claims.sub) : {}
      return readClaims({ ...more, ...claims }, settings)
    } catch (error) {
      if (error instanceof ShoalError) throw error
      log.warn({ err: error }, 'a sign-in with the company login failed')
      throw new ShoalError('not-authenticated', 'the company login did not let you in', { cause: error })
    }
  }

  async #configuration(): Promise<Configuration> {
    const now = this.#parts.clock.now()
    if (this.#known === undefined || this.#known.until <= now)
      this.#known = { configuration: this.#discover(), until: now + KNOWN_FOR }
    try {
      return await this.#known.configuration
    } catch (error) {
      this.#known = undefined
      this.#parts.log.warn({ err: error }, 'the company login does not answer')
      throw new ShoalError('unavailable', 'the company login does not answer: try again in a moment', {
        cause: error,
      })
    }
  }

  #discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.#parts.settings
    const authentication = clientSecret === undefined ? None() : ClientSecretPost(clientSecret)
    return discovery(new URL(issuer), clientId, undefined, authentication, {
      timeout: TIMEOUT_S,
      // For an issuer on plain HTTP, which the operator has named: a trial, or one behind the same proxy. The library marks
      // it as deprecated to make people look twice.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      ...(issuer.startsWith('http:') && { execute: [allowInsecureRequests] }),
    })
  }
}
