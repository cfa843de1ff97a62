/** People and groups as their pages show them: texts only, all decisions made. Pure. */
import type { Invitation, Person, PersonRole, TokenInfo } from '../../wire/api.ts'
import { momentText } from './view-model.ts'

const ROLE_TEXTS: Readonly<Record<PersonRole, string>> = {
  viewer: 'watch and download',
  publisher: 'publish bundles',
  operator: 'run Shoal: sites, health, grants',
  auditor: 'see who was given what',
  admin: 'do everything',
}

/** For a select. */
export const ROLES = Object.entries(ROLE_TEXTS).map(([value, text]) => ({
  value,
  text: `${text} (${value})`,
}))

export const rolesToChoose = (roles: readonly PersonRole[]): object[] =>
  ROLES.filter(({ value }) => roles.some((role) => role === value))

export const tokenRowOf = (token: TokenInfo): object => ({
  id: token.id,
  name: token.name,
  roleText: roleText(token.role),
  until: token.expiresAt === null ? 'until it is revoked' : `until ${momentText(token.expiresAt)}`,
  used: token.lastUsedAt === null ? 'never used' : `last used ${momentText(token.lastUsedAt)}`,
})

export const roleText = (role: string): string =>
  Object.entries(ROLE_TEXTS).find(([name]) => name === role)?.[1] ?? role

export const shownName = ({ name, displayName }: Person): string => (displayName === '' ? name : displayName)

export const personUrl = (name: string): string => `/people/${encodeURIComponent(name)}`

export function rowOf(person: Person): object {
  return {
    name: person.name,
    shownName: shownName(person),
    url: personUrl(person.name),
    roleText: person.disabledAt === null ? roleText(person.role) : 'nothing: disabled',
    groups: person.groups.join(', '),
    seen: seenText(person),
  }
}

export function personPageOf(person: Person, groups: readonly string[]): object {
  return {
    ...person,
    shownName: shownName(person),
    url: personUrl(person.name),
    roleText: roleText(person.role),
    seen: seenText(person),
    disabled: person.disabledAt === null ? undefined : momentText(person.disabledAt),
    otherGroups: groups.filter((name) => !person.groups.includes(name)),
    roles: ROLES,
  }
}

export const invitationOf = (name: string, { url, expiresAt }: Invitation): object => ({
  name,
  url,
  until: momentText(expiresAt),
})

const seenText = ({ lastSeenAt }: Person): string => (lastSeenAt === null ? 'never' : momentText(lastSeenAt))
