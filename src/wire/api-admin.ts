/** API tokens and the audit trail in the portal's REST API. */
import { z } from 'zod'
import { zRole } from './api-people.ts'
import { zText, zTime } from './api-scalars.ts'

/** Ten years: longer is for ever, and has no end to name. */
const TOKEN_SECONDS_MAX = 10 * 365 * 24 * 3_600

export const zNewToken = z.strictObject({
  name: zText.trim().min(1).max(64),
  role: zRole,
  /** Whose it is; audit rows and grants name this account. Without it: the token's name. */
  user: zText.trim().min(1).max(64).optional(),
  /** Groups that it belongs to, for bundles whose audience is not everyone. */
  groups: z.array(zText.trim().min(1).max(64)).max(64).default([]),
  expiresInSeconds: z.number().int().min(60).max(TOKEN_SECONDS_MAX).optional(),
})
export type NewToken = z.input<typeof zNewToken>
export const zTokenInfo = z.object({
  id: z.string(),
  name: z.string(),
  role: zRole,
  user: z.string(),
  groups: z.array(z.string()),
  createdAt: zTime,
  expiresAt: zTime.nullable(),
  lastUsedAt: zTime.nullable(),
})
export type TokenInfo = z.infer<typeof zTokenInfo>
export const zCreatedToken = zTokenInfo.extend({ token: z.string() })
export const zTokenList = z.object({ items: z.array(zTokenInfo) })

export const zAuditRow = z.object({
  seq: z.number().int(),
  at: zTime,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: z.string(),
})
export type AuditRow = z.infer<typeof zAuditRow>
/** Which rows: all that is given must fit. */
export const zAuditFilter = z.object({
  actor: z.string().max(200).optional(),
  action: z.string().max(64).optional(),
  subject: z.string().max(400).optional(),
  /** Inclusive. */
  from: zTime.optional(),
  /** Exclusive. */
  to: zTime.optional(),
})
export type AuditFilter = z.infer<typeof zAuditFilter>
export const zAuditPage = z.object({ items: z.array(zAuditRow), nextCursor: z.string().nullable() })
