/** All that has to do with people, opened. */
import type { Millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { CompanyLogin } from '../company-login/company-login.ts'
import type { CompanyLoginSettings } from '../company-login/settings.ts'
import type { Database } from '../database/tables.ts'
import type { Journal } from '../journal.ts'
import type { ArrivalsParts } from './arrivals.ts'
import { DeviceAuthorizations } from './device-authorizations.ts'
import { Groups } from './groups.ts'
import { Invitations } from './invitations.ts'
import { LoginCodes } from './login-codes.ts'
import { Passwords } from './passwords.ts'
import { People } from './people.ts'
import { SessionStore } from './session-store.ts'
import type { Tokens } from './tokens.ts'

export interface PeopleServices {
  readonly people: People
  readonly groups: Groups
  readonly invitations: Invitations
  readonly passwords: Passwords
  readonly sessions: SessionStore
  readonly loginCodes: LoginCodes
  readonly deviceAuthorizations: DeviceAuthorizations
  /** Absent where none is set up. */
  readonly company: CompanyServices | undefined
}

export interface CompanyServices {
  readonly login: CompanyLogin
  readonly arrivals: ArrivalsParts
}

export interface PeopleParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Logger
  readonly tokens: Tokens
  readonly publicUrl: string
  readonly companyLogin: CompanyLoginSettings | undefined
  readonly sessionIdle: Millis
}

export function openPeople(parts: PeopleParts): PeopleServices {
  const { clock } = parts
  const people = new People(parts)
  const passwords = new Passwords()
  return {
    people,
    groups: new Groups(parts),
    passwords,
    invitations: new Invitations({ ...parts, people, passwords }),
    sessions: new SessionStore({ ...parts, idle: parts.sessionIdle }),
    loginCodes: new LoginCodes(clock),
    deviceAuthorizations: new DeviceAuthorizations({ ...parts, people }),
    company: openCompany(parts),
  }
}

function openCompany({ companyLogin, ...parts }: PeopleParts): CompanyServices | undefined {
  const issuer = companyLogin?.issuer
  if (companyLogin === undefined || issuer === undefined) return undefined
  const settings = { ...companyLogin, issuer }
  return { login: new CompanyLogin({ ...parts, settings }), arrivals: { ...parts, settings } }
}
