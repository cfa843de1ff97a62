/** Settings of the company's login; the table is their manual. Without `issuer` there is none. */
import { ShoalError } from '../../core/errors.ts'
import type { Setting, SettingsOf } from '../../platform/config.ts'
import { readBoolean, readList, readText } from '../../platform/setting-readers.ts'
import { zPersonRole, type PersonRole } from '../../wire/api.ts'
import { foreignUrl } from '../../wire/foreign-url.ts'

/** Whoever is in the group has at least this role. */
export interface GroupRole {
  readonly group: string
  readonly role: PersonRole
}

function readIssuer(text: string): string {
  const url = foreignUrl(text, ['http', 'https'], 'companyLogin.issuer')
  if (/[?#]/.test(url)) throw new ShoalError('bad-usage', 'an issuer has neither ? nor #')
  return url
}

function readGroupRole(text: string): GroupRole {
  const at = text.lastIndexOf('=')
  const role = zPersonRole.safeParse(text.slice(at + 1).trim())
  const group = text.slice(0, at).trim()
  if (at > 0 && group !== '' && role.success) return { group, role: role.data }
  throw new ShoalError(
    'bad-usage',
    `GROUP=ROLE expected, with one of ${zPersonRole.options.join(', ')}, got ${JSON.stringify(text.slice(0, 80))}`,
  )
}

export const companyLoginSettings = {
  issuer: {
    parse: readIssuer,
    fallback: undefined,
    fallbackText: '(none)',
    help: 'The OpenID Connect issuer with which people of the company sign in, such as https://login.example.com/realms/company. Its answer at /.well-known/openid-configuration says the rest.',
  } satisfies Setting<string | undefined>,
  clientId: {
    parse: readText(256),
    fallback: 'shoal',
    help: 'The name under which the portal is registered there. Its redirect address is PORTAL/login/company/callback.',
  } satisfies Setting<string>,
  clientSecret: {
    parse: readText(1_024),
    fallback: undefined,
    fallbackText: '(none)',
    help: 'The secret that goes with it; without one the portal is a public client, and PKCE alone protects the sign-in.',
    isSecret: true,
  } satisfies Setting<string | undefined>,
  label: {
    parse: readText(64),
    fallback: 'Sign in with the company login',
    help: 'What stands on the button.',
  } satisfies Setting<string>,
  scopes: {
    parse: readList(readText(64)),
    fallback: ['openid', 'profile', 'email'] as readonly string[],
    help: 'What is asked for. Some issuers want "groups" beside these before they tell of groups.',
  } satisfies Setting<readonly string[]>,
  nameClaim: {
    parse: readText(64),
    fallback: 'preferred_username',
    help: 'The claim from which a new account gets its name. Afterwards a person is known by issuer and subject, whatever becomes of the name there.',
  } satisfies Setting<string>,
  groupsClaim: {
    parse: readText(64),
    fallback: 'groups',
    help: 'The claim that lists the groups a person is in. They are put into those, and taken out of those that it names no more, each time they sign in; groups that were given here stay.',
  } satisfies Setting<string>,
  makesGroups: {
    parse: readBoolean,
    fallback: true,
    help: 'Makes groups that the claim names and that are not here yet; else those are passed over.',
  } satisfies Setting<boolean>,
  makesPeople: {
    parse: readBoolean,
    fallback: true,
    help: 'Makes an account for whoever comes for the first time; else they have to be invited.',
  } satisfies Setting<boolean>,
  roles: {
    parse: readList(readGroupRole),
    fallback: [] as readonly GroupRole[],
    fallbackText: '(none)',
    help: 'Roles by groups of the claim, such as "shoal-admins=admin, learning=publisher". The strongest that fits is the person’s role each time they sign in, and who fits none is a viewer. Without it roles are given here.',
  } satisfies Setting<readonly GroupRole[]>,
}

export type CompanyLoginSettings = SettingsOf<typeof companyLoginSettings>
