/** Who asks. Accounts are names for now: a token or a session says which. */
import type { Role } from '../wire/api.ts'

export interface Account {
  readonly user: string
  readonly role: Role
  readonly groups: readonly string[]
  /** The API token it came by, as `tokens.id`; a one-time login has none. */
  readonly tokenId?: string
}

/** The audience that every account is in. */
export const EVERYONE = 'everyone'

/** The names by which an audience may mean this account. */
export function audienceNamesOf(account: Account): readonly string[] {
  return [EVERYONE, account.user, ...account.groups]
}
