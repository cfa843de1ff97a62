/** What is said of a bundle or a release by whoever publishes it, in the portal's REST API. */
import { z } from 'zod'
import { zText } from './api-scalars.ts'
import { limits } from './limits.ts'

/** `any`: every BitTorrent client. `ours`: only ours, by TLS with device certificates. */
export const zAdmit = z.enum(['any', 'ours'])

export const zTitle = zText.trim().min(1).max(limits.titleCharsMax)
export const zDescription = zText.max(limits.descriptionCharsMax)
export const zTags = z.array(zText.trim().min(1).max(limits.tagCharsMax)).max(limits.tagsMax)
export const zAudience = z.array(zText.trim().min(1).max(64)).min(1).max(64)
