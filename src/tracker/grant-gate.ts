/**
 * The first hook: nothing is stored or told for a request without a good grant. Signatures are costly, so a
 * grant that verified is remembered by its hash, one under verification is verified once for all who wait,
 * and an address that keeps bringing bad ones is not listened to for a while.
 *
 * Requests with the same grant are answered in the order in which they came: they wait for the same promise,
 * and a grant is remembered no sooner than that promise resolves.
 */
import { hash } from 'node:crypto'
import type { IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import { peekGrant, verifyGrant } from '../wire/grant.ts'
import { limits } from '../wire/limits.ts'
import type { MinuteLimiter } from './minute-limiter.ts'
import { Lru } from './lru.ts'
import { refusals, type Refusal } from './refusals.ts'
import { hasExpired, refusalOfGrant, type GrantPurpose, type VerifiedGrant } from './verified-grant.ts'

export interface GrantGateParts {
  readonly clock: Clock
  readonly control: ControlView
  readonly failures: MinuteLimiter
}

export interface GrantGateOptions {
  readonly portalUrl: string
  readonly verifiedMax: number
  readonly pendingMax: number
}

/** The question: may the holder of `token`, who asks from `host`, join the swarm of `infoHash`? */
export interface GateQuestion {
  readonly token: string | undefined
  readonly infoHash: InfoHash
  readonly host: IpAddress
  /** To join, when absent. */
  readonly purpose?: GrantPurpose
}

export type GateAnswer = { readonly grant: VerifiedGrant } | { readonly refusal: Refusal }

export class GrantGate {
  readonly #parts: GrantGateParts
  readonly #options: GrantGateOptions
  /** By SHA-256 of the token. Expired and revoked ones stay, since their refusal should cost no signature either. */
  readonly #verified: Lru<string, VerifiedGrant>
  readonly #pending = new Map<string, Promise<VerifiedGrant | Refusal>>()

  constructor(parts: GrantGateParts, options: GrantGateOptions) {
    this.#parts = parts
    this.#options = options
    this.#verified = new Lru({ capacity: options.verifiedMax })
  }

  get verifiedCount(): number {
    return this.#verified.size
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  /** At once for a grant that is remembered and for most refusals. */
  check(question: GateQuestion): GateAnswer | Promise<GateAnswer> {
    const { token, host } = question
    if (!this.#parts.control.isReady) return { refusal: refusals.notReady }
    if (token === undefined || token.length > limits.grantCharsMax) return this.#refuse(host)
    const key = hash('sha256', token, 'base64url')
    const known = this.#verified.get(key)
    if (known !== undefined) return this.#judge(known, question)
    const pending = this.#pending.get(key) ?? this.#begin(key, token, host)
    if (pending === undefined) return { refusal: refusals.grantRefused }
    return pending.then((found) => ('reason' in found ? { refusal: found } : this.#judge(found, question)))
  }

  #refuse(host: IpAddress): GateAnswer {
    this.#parts.failures.count(host)
    return { refusal: refusals.grantRefused }
  }

  #judge(grant: VerifiedGrant, question: GateQuestion): GateAnswer {
    const { clock, control } = this.#parts
    const at = { now: clock.epoch(), control, portalUrl: this.#options.portalUrl }
    const { infoHash, purpose = 'join' } = question
    const refusal = refusalOfGrant(grant, { infoHash, purpose }, at)
    return refusal === undefined ? { grant } : { refusal }
  }

  /** Undefined when the address has failed too often, or too many verifications are under way. */
  #begin(key: string, token: string, host: IpAddress): Promise<VerifiedGrant | Refusal> | undefined {
    if (this.#pending.size >= this.#options.pendingMax || this.#parts.failures.isLimited(host))
      return undefined
    const verification = this.#verify(token, host).then(
      (found) => {
        this.#pending.delete(key)
        if (!('reason' in found)) this.#verified.set(key, found)
        return found
      },
      (error: unknown) => {
        this.#pending.delete(key)
        throw error
      },
    )
    this.#pending.set(key, verification)
    return verification
  }

  async #verify(token: string, host: IpAddress): Promise<VerifiedGrant | Refusal> {
    const now = this.#parts.clock.epoch()
    const keys = this.#parts.control.grantKeys()
    let grant: VerifiedGrant | undefined
    try {
      const { kid, claims } = peekGrant(token)
      // As it is now: another key may take over this name while the signature is checked.
      grant = { kid, claims, keyX: keys.get(kid)?.x ?? '' }
      await verifyGrant(token, keys, now)
      return grant
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      if (grant === undefined || error.message === refusals.grantRefused.reason) {
        this.#parts.failures.count(host)
        return refusals.grantRefused
      }
      // The signature is good and something else is not. Expiry is told at each use, so it may be remembered.
      return hasExpired(grant, now) ? grant : refusals.grantWithdrawn(error.message)
    }
  }
}
