/** Shapes of the REST API about many grants at once: keys, times before which they are refused, many hands. */
import { z } from 'zod'
import { zGrantId, zReleaseName, zSlug, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

/** What a tracker tells of grants that are used from many addresses. */
export const zSharedGrants = z.strictObject({
  items: z
    .array(
      z.strictObject({
        id: zGrantId,
        addresses: z.number().int().min(0).max(limits.peersPerGrantMax),
        /** One more address was turned away. */
        isFull: z.boolean(),
      }),
    )
    .max(limits.sharedGrantsMax),
})
export type SharedGrant = z.input<typeof zSharedGrants>['items'][number]

/** Refuse what was issued before a time: of one release, or of all. */
export const zRefuseBefore = z.strictObject({
  /** Now, when absent; never in the future. */
  before: zTime.optional(),
  bundle: zSlug.optional(),
  release: zReleaseName.optional(),
})
export type RefuseBefore = z.input<typeof zRefuseBefore>
export const zRefusedBefore = z.object({ before: zTime })

/** A key that signs grants. `next` is published and does not sign yet; `old` signs no more. */
export const zGrantKeyInfo = z.object({
  kid: z.string(),
  state: z.enum(['next', 'signing', 'old']),
  signingSince: zTime.nullable(),
})
export type GrantKeyInfo = z.infer<typeof zGrantKeyInfo>
export const zGrantKeyList = z.object({ items: z.array(zGrantKeyInfo) })
