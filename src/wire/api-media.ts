/** What the REST API says of media: kinds, lengths, posters. */
import { z } from 'zod'
import { KINDS } from '../core/kinds.ts'
import { zText } from './api-scalars.ts'
import { mediaLimits } from './limits-media.ts'

/** What most of the bytes are, by the names of the files. */
export const zKind = z.enum(KINDS)

const zPixels = z.number().int().min(1).max(mediaLimits.mediaPixelsMax)

/** Of a release: what is in its files that has a length. */
export const zMedia = z.object({
  kind: z.enum(['video', 'audio']),
  /** Of all files together. */
  durationSeconds: z.number().min(0).max(mediaLimits.mediaSecondsMax).optional(),
  /** Of the video that stands for it. */
  widthPx: zPixels.optional(),
  heightPx: zPixels.optional(),
  playsInBrowsers: z.boolean(),
})
export type Media = z.infer<typeof zMedia>

/** Whoever has the files says it once; `warnings` are for who may change the bundle. */
export const zMediaDescription = z.strictObject({
  ...zMedia.shape,
  warnings: z
    .array(zText.trim().min(1).max(mediaLimits.mediaWarningCharsMax))
    .max(mediaLimits.mediaWarningsMax)
    .default([]),
})
export type MediaDescription = z.input<typeof zMediaDescription>
