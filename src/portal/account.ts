/** Who asks: a person who is signed in, or a token. */
import { EVERYONE, type Role } from '../wire/api.ts'

export interface Account {
  readonly user: string
  readonly role: Role
  readonly groups: readonly string[]
  /** The API token it came by, as `tokens.id`; who is signed in has none. */
  readonly tokenId?: string
}

/** The names by which an audience may mean this account. */
export function audienceNamesOf(account: Account): readonly string[] {
  return [EVERYONE, account.user, ...account.groups]
}
