/** Asking for access to a bundle, and who is let in beside its audience, in the portal's REST API. */
import { z } from 'zod'
import { zSlug, zText, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

export const zRequestState = z.enum(['open', 'granted', 'denied'])
export type RequestState = z.infer<typeof zRequestState>

export const zRequest = z.object({
  id: z.string(),
  bundle: zSlug,
  /** Null for who may not know it: whoever asks is not told whether there is such a bundle. */
  title: z.string().nullable(),
  person: z.string(),
  reason: z.string(),
  state: zRequestState,
  askedAt: zTime,
  answeredAt: zTime.nullable(),
  answeredBy: z.string().nullable(),
  /** What was said to it. */
  answer: z.string(),
  /** Who was let in: the person, or a group. */
  to: z.string().nullable(),
  /** Until when; null where it has no end, or was not granted. */
  until: zTime.nullable(),
})
export type AccessRequest = z.infer<typeof zRequest>
export const zRequestPage = z.object({ items: z.array(zRequest), nextCursor: z.string().nullable() })

export const zRequestQuery = z.object({
  /** `asked`: of this account, as an owner or an admin, to be answered; `mine`: what it asked for itself. */
  which: z.enum(['asked', 'mine']).default('mine'),
  state: zRequestState.optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})

const zWords = zText.trim().max(limits.reasonCharsMax)
export const zNewRequest = z.strictObject({ reason: zWords.min(1) })
/** The same whether there is such a bundle or not. */
export const zAsked = z.object({ bundle: zSlug, askedAt: zTime })

const zGuestName = zText.trim().min(1).max(64)
export const zGranting = z.strictObject({
  /** The person who asked, or a group; without it the person. */
  to: zGuestName.optional(),
  /** Without it there is no end. */
  until: zTime.optional(),
  answer: zWords.default(''),
})
export type Granting = z.input<typeof zGranting>
export const zDenying = z.strictObject({ answer: zWords.default('') })

/** Somebody beside the audience. */
export const zGuest = z.object({ name: z.string(), until: zTime.nullable(), by: z.string() })
export type Guest = z.infer<typeof zGuest>
export const zGuestList = z.object({ items: z.array(zGuest) })
export const zNewGuest = z.strictObject({ until: zTime.optional() })
