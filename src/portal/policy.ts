/**
 * Who may do what: one pure function, deny by default. Callers turn "no" into 404 where the asker may not
 * even know that the thing is there (`catalogue-access.ts`), into 403 otherwise.
 */
import { unreachable } from '../core/errors.ts'
import type { ReleaseState, Role } from '../wire/api.ts'
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
  | { readonly kind: 'create-bundle' | 'choose-from-library' }
  /** What somebody is about to publish. */
  | { readonly kind: 'use-draft'; readonly draft: { readonly owner: string } }
  | { readonly kind: 'read-bundle'; readonly bundle: BundleFacts }
  /** Releases that are not (or no longer) for viewers: uploading, failed and so on. */
  | { readonly kind: 'read-release'; readonly bundle: BundleFacts; readonly state: ReleaseState }
  | { readonly kind: 'add-release'; readonly bundle: BundleFacts }
  | { readonly kind: 'recall-release'; readonly bundle: BundleFacts }
  /** What it has as media, and its poster: said by whoever has its files. */
  | { readonly kind: 'describe-release'; readonly bundle: BundleFacts }
  /** Its title, what is said of it, its audience. */
  | { readonly kind: 'change-bundle'; readonly bundle: BundleFacts }
  /** Who of its audience has it. */
  | { readonly kind: 'read-holders'; readonly bundle: BundleFacts }
  /** To have it recorded that one has watched it. */
  | { readonly kind: 'note-watched'; readonly bundle: BundleFacts }
  /** Who has watched it, and how much of it. */
  | { readonly kind: 'read-learning'; readonly bundle: BundleFacts }
  /** To let people in beside the audience, and to answer who asks for it. */
  | { readonly kind: 'admit-guests'; readonly bundle: BundleFacts }
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
        | 'read-figures'
        | 'read-people'
        | 'manage-people'
    }
  | { readonly kind: 'use-device'; readonly device: { readonly user: string } }
  | { readonly kind: 'read-sites' }
  /** Presence, what waits for an origin, service events of the control feed. */
  | { readonly kind: 'serve' }

/** Pure. */
export function may(account: Account, action: Action): boolean {
  const { role } = account
  if (role === 'admin') return true
  switch (action.kind) {
    case 'create-bundle':
      return role === 'publisher' || role === 'origin' // an origin publishes its library
    case 'choose-from-library':
      return role === 'publisher'
    case 'use-draft':
      return PUBLISHES.has(role) && action.draft.owner === account.user
    case 'read-bundle':
      return SEES_ALL.has(role) || isFor(account, action.bundle)
    case 'read-release':
      return may(account, { kind: 'read-bundle', bundle: action.bundle }) && maySeeState(account, action)
    case 'add-release':
    case 'admit-guests':
    case 'change-bundle':
      return PUBLISHES.has(role) && isOwner(account, action.bundle)
    case 'describe-release':
      return role === 'origin' || (PUBLISHES.has(role) && isOwner(account, action.bundle))
    case 'recall-release':
      return role === 'operator' || (PUBLISHES.has(role) && isOwner(account, action.bundle))
    case 'link':
      return mayLink(account, action)
    case 'read-grant':
      return SEES_GRANTS.has(role) || isOf(account, action.grant)
    case 'revoke-grant':
      return role === 'operator' || isOf(account, action.grant)
    case 'renew-grant':
      return isOf(account, action.grant)
    case 'use-device':
      return action.device.user === account.user
    case 'serve':
      return role === 'origin'
    case 'read-sites':
      return role === 'origin' || role === 'publisher' || role === 'operator'
    case 'read-holders':
      return SEES_GRANTS.has(role) || (PUBLISHES.has(role) && isOwner(account, action.bundle))
    case 'note-watched':
      return role !== 'origin' && may(account, { kind: 'read-bundle', bundle: action.bundle }) // machines watch nothing
    case 'read-learning': // who runs the machines has no need of it
      return role === 'auditor' || (role === 'publisher' && isOwner(account, action.bundle))
    case 'read-all-grants':
    case 'read-figures':
    case 'read-people':
    case 'read-audit':
      return SEES_GRANTS.has(role)
    case 'revoke-user':
    case 'manage-keys':
    case 'set-sites':
    case 'read-metrics':
      return role === 'operator'
    // Each of these lets in whomever one likes as whomever one likes.
    case 'manage-devices':
    case 'manage-tokens':
    case 'manage-people':
      return false
    default:
      return unreachable(action)
  }
}

/** What is there, in whatever state: who runs it has to know. Seeing it is no right to fetch it. */
const SEES_ALL: ReadonlySet<Role> = new Set(['origin', 'operator', 'auditor'])
/** To whom what was given, and by whom. */
const SEES_GRANTS: ReadonlySet<Role> = new Set(['operator', 'auditor'])
const PUBLISHES: ReadonlySet<Role> = new Set(['publisher', 'origin'])

/** Viewers and strangers see what can be had, and what was and is gone; the rest is its publisher's business. */
const PUBLIC_STATES: ReadonlySet<ReleaseState> = new Set(['live', 'missing', 'recalled'])

function maySeeState(account: Account, of: { bundle: BundleFacts; state: ReleaseState }): boolean {
  return PUBLIC_STATES.has(of.state) || SEES_ALL.has(account.role) || isOwner(account, of.bundle)
}

function mayLink(account: Account, action: Extract<Action, { kind: 'link' }>): boolean {
  const { bundle, state } = action
  if (!may(account, { kind: 'read-release', bundle, state })) return false
  if (account.role !== 'origin' && !isFor(account, bundle)) return false
  if (action.forUser === account.user) return true
  return account.role === 'publisher' && isOwner(account, bundle)
}

/** The grant was given to this account, or by it. */
function isOf(account: Account, { forUser, issuedBy }: GrantFacts): boolean {
  return forUser === account.user || issuedBy === account.user
}

function isFor(account: Account, bundle: BundleFacts): boolean {
  return isOwner(account, bundle) || isInAudience(account, bundle)
}

function isOwner(account: Account, bundle: BundleFacts): boolean {
  return bundle.owner === account.user
}

function isInAudience(account: Account, bundle: BundleFacts): boolean {
  return audienceNamesOf(account).some((name) => bundle.audience.includes(name))
}
