/** People and groups in the portal's REST API. */
import { z } from 'zod'
import { zText, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

/**
 * What a person may do beside what everybody may: `publisher` makes bundles, `operator` keeps Shoal running, `auditor` sees
 * who was given what, `admin` may do everything.
 */
export const zPersonRole = z.enum(['viewer', 'publisher', 'operator', 'auditor', 'admin'])
export type PersonRole = z.infer<typeof zPersonRole>

/** Of a person, or `origin`: a machine account that seeds; it may see and fetch every release. */
export const zRole = z.enum([...zPersonRole.options, 'origin'])
export type Role = z.infer<typeof zRole>

/** Everybody is in it; so no group and no person is called so. */
export const EVERYONE = 'everyone'

const isFree = (name: string): boolean => name !== EVERYONE

/** Lower case, so that nobody looks like somebody else: a user name, or the address of a mailbox. */
export const zPersonName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9._@+-]*$/, 'a name has a-z, 0-9 and . _ @ + - only, at most 64')
  .refine(isFree, `"${EVERYONE}" means everybody`)

export const zGroupName = zText
  .trim()
  .min(1)
  .max(64)
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._@+-]*$/u,
    'a group’s name has letters, digits, spaces and . _ @ + - only',
  )
  .refine(isFree, `"${EVERYONE}" means everybody`)

const zDisplayName = zText.trim().max(100)
export const zEmail = z.union([z.literal(''), z.email().max(254)])

/** A password is as it was typed: nothing is trimmed, and every character counts (ASVS 5.0, 6.2.8). */
export const zPassword = z.string().min(limits.passwordCharsMin).max(limits.passwordCharsMax)

export const zPerson = z.object({
  name: z.string(),
  displayName: z.string(),
  email: z.string(),
  role: zPersonRole,
  groups: z.array(z.string()),
  /** Has chosen a password. */
  hasPassword: z.boolean(),
  createdAt: zTime,
  /** Null: may sign in. */
  disabledAt: zTime.nullable(),
  /** Of the last sign-in. */
  lastSeenAt: zTime.nullable(),
})
export type Person = z.infer<typeof zPerson>
export const zPersonPage = z.object({ items: z.array(zPerson), nextCursor: z.string().nullable() })

export const zPersonQuery = z.object({
  /** The beginning of a name, or any part of the name that is shown. */
  q: z.string().max(limits.queryCharsMax).optional(),
  group: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})

export const zNewPerson = z.strictObject({
  name: zPersonName,
  displayName: zDisplayName.default(''),
  email: zEmail.default(''),
  role: zPersonRole.default('viewer'),
  groups: z.array(zGroupName).max(limits.groupsPerPersonMax).default([]),
})
export type NewPerson = z.input<typeof zNewPerson>

/** What is absent stays. */
export const zPersonChange = z.strictObject({
  displayName: zDisplayName.optional(),
  email: zEmail.optional(),
  role: zPersonRole.optional(),
})
export type PersonChange = z.input<typeof zPersonChange>

/** A link at which a person chooses a password, once. The answer is the only place that ever shows it. */
export const zInvitation = z.object({ url: z.url(), expiresAt: zTime })
export type Invitation = z.infer<typeof zInvitation>
export const zInvited = z.object({ person: zPerson, invitation: zInvitation })

/** What ended with a person who was disabled. */
export const zDisabled = z.object({
  person: zPerson,
  sessions: z.number().int(),
  grants: z.number().int(),
  devices: z.number().int(),
})

export const zGroup = z.object({
  name: z.string(),
  description: z.string(),
  members: z.number().int(),
  createdAt: zTime,
})
export type Group = z.infer<typeof zGroup>
export const zGroupList = z.object({ items: z.array(zGroup) })
export const zNewGroup = z.strictObject({
  name: zGroupName,
  description: zText.trim().max(400).default(''),
})
export type NewGroup = z.input<typeof zNewGroup>
