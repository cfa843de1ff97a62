/** How a terminal gets a token of a person who is signed in on a page; as OAuth 2.0 Device Authorization Grant, RFC 8628. */
import { z } from 'zod'
import { zPersonRole } from './api-people.ts'
import { zText, zTime } from './api-scalars.ts'

export const zLoginStart = z.strictObject({
  /** What the person knows the terminal by: the name of its machine. */
  client: zText.trim().min(1).max(100),
})

export const zLoginStarted = z.object({
  /** The terminal's secret: it asks with it. */
  deviceCode: z.string(),
  /** What the person compares, or types: `BCDF-GHJK`. */
  userCode: z.string(),
  verificationUrl: z.url(),
  verificationUrlComplete: z.url(),
  expiresInSeconds: z.number().int(),
  intervalSeconds: z.number().int(),
})
export type LoginStarted = z.infer<typeof zLoginStarted>

export const zLoginPoll = z.strictObject({ deviceCode: z.string().max(128) })

export const zLoginPolled = z.discriminatedUnion('state', [
  /** `intervalSeconds`: how long to wait before the next time; it grows for who asks too often. */
  z.object({ state: z.literal('pending'), intervalSeconds: z.number() }),
  z.object({
    state: z.literal('done'),
    user: z.string(),
    role: zPersonRole,
    token: z.string(),
    expiresAt: zTime.nullable(),
  }),
])
export type LoginPolled = z.infer<typeof zLoginPolled>
