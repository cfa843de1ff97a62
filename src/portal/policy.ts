/**
 * Who may do what: one pure function, deny by default. Callers turn "no" into 404 where the asker may not
 * even know that the thing is there (`catalogue-access.ts`), into 403 otherwise.
 */
import { unreachable } from '../core/errors.ts'
import type { ReleaseState } from '../wire/api.ts'
import { audienceNamesOf, type Account } from './account.ts'

/** What policy knows of a bundle. */
export interface BundleFacts {
  readonly owner: string
  readonly audience: readonly string[]
}

/** What policy knows of a grant. */
export interface GrantFacts {
  readonly forUser: string
  readonly issuedBy: string
}

export type Action =
  | { readonly kind: 'create-bundle' }
  | { readonly kind: 'read-bundle'; readonly bundle: BundleFacts }
  /** Releases that are not (or no longer) for viewers: uploading, failed and so on. */
  | { readonly kind: 'read-release'; readonly bundle: BundleFacts; readonly state: ReleaseState }
  | { readonly kind: 'add-release'; readonly bundle: BundleFacts }
  | { readonly kind: 'recall-release'; readonly bundle: BundleFacts }
  | {
      readonly kind: 'link'
      readonly bundle: BundleFacts
      readonly state: ReleaseState
      readonly forUser: string
    }
  | { readonly kind: 'read-grant' | 'revoke-grant' | 'renew-grant'; readonly grant: GrantFacts }
  | {
      readonly kind:
        | 'manage-devices'
        | 'read-all-grants'
        | 'revoke-user'
        | 'manage-tokens'
        | 'manage-keys'
        | 'set-sites'
        | 'read-audit'
        | 'read-metrics'
    }
  | { readonly kind: 'use-device'; readonly device: { readonly user: string } }
  | { readonly kind: 'read-sites' }
  /** Presence, what waits for an origin, service events of the control feed. */
  | { readonly kind: 'serve' }

/** Pure. */
export function may(account: Account, action: Action): boolean {
  if (account.role === 'admin') return true
  switch (action.kind) {
    case 'create-bundle':
      return account.role === 'publisher' || account.role === 'origin' // an origin publishes its library
    case 'read-bundle':
      return (
        account.role === 'origin' || isOwner(account, action.bundle) || isInAudience(account, action.bundle)
      )
    case 'read-release':
      return may(account, { kind: 'read-bundle', bundle: action.bundle }) && maySeeState(account, action)
    case 'add-release':
    case 'recall-release':
      return account.role !== 'viewer' && isOwner(account, action.bundle)
    case 'link':
      return mayLink(account, action)
    case 'read-grant':
    case 'renew-grant':
    case 'revoke-grant':
      return action.grant.forUser === account.user || action.grant.issuedBy === account.user
    case 'use-device':
      return action.device.user === account.user
    case 'serve':
      return account.role === 'origin'
    case 'read-sites':
      return account.role === 'origin' || account.role === 'publisher'
    case 'manage-devices':
    case 'read-all-grants':
    case 'revoke-user':
    case 'manage-tokens':
    case 'manage-keys':
    case 'set-sites':
    case 'read-audit':
    case 'read-metrics':
      return false
    default:
      return unreachable(action)
  }
}

/** Viewers and strangers see what can be had, and what was and is gone; the rest is its publisher's business. */
const PUBLIC_STATES: ReadonlySet<ReleaseState> = new Set(['live', 'missing', 'recalled'])

function maySeeState(account: Account, of: { bundle: BundleFacts; state: ReleaseState }): boolean {
  return PUBLIC_STATES.has(of.state) || account.role === 'origin' || isOwner(account, of.bundle)
}

function mayLink(account: Account, action: Extract<Action, { kind: 'link' }>): boolean {
  const { bundle, state } = action
  if (!may(account, { kind: 'read-release', bundle, state })) return false
  if (action.forUser === account.user) return true
  return account.role === 'publisher' && isOwner(account, bundle)
}

function isOwner(account: Account, bundle: BundleFacts): boolean {
  return bundle.owner === account.user
}

function isInAudience(account: Account, bundle: BundleFacts): boolean {
  return audienceNamesOf(account).some((name) => bundle.audience.includes(name))
}
