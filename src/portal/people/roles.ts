/** Which roles a token of a person may have. */
import { zPersonRole, type PersonRole, type Role } from '../../wire/api.ts'

const HOLDS: Readonly<Record<PersonRole, readonly Role[]>> = {
  admin: ['admin', 'operator', 'auditor', 'publisher', 'viewer', 'origin'],
  operator: ['operator', 'viewer'],
  auditor: ['auditor', 'viewer'],
  publisher: ['publisher', 'viewer'],
  viewer: ['viewer'],
}

export const mayHold = (person: PersonRole, role: Role): boolean => HOLDS[person].includes(role)

/** Of a token made for `wanted` when the person was more than now: a viewer's. */
export const roleWithin = (person: PersonRole, wanted: Role): Role =>
  mayHold(person, wanted) ? wanted : 'viewer'

/** What a token of such a person's own may be for, the strongest last. */
export const heldRoles = (person: PersonRole): readonly PersonRole[] =>
  zPersonRole.options.filter((role) => mayHold(person, role))
