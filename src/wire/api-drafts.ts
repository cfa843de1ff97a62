/** Publishing through the portal: drafts, the files that are uploaded for them, and what is reviewed, in its REST API. */
import { z } from 'zod'
import { zAdmit, zAudience, zDescription, zTags, zTitle } from './api-bundle-fields.ts'
import { zInfoHash, zReleaseName, zSlug, zText, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

const zSize = z.number().int().min(0)

export const zDraftId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{16}$/)
  .meta({ description: 'id of a draft, 16 characters' })

/** A path below the folder that is published, its parts divided by `/`. */
const zFilePath = zText.min(1).max(limits.uploadPathCharsMax)

/**
 * Of a draft: `draft` until it is handed in; `uploading` while files of it are missing; `hashing`; `scheduled` for its time; then it is
 * a release, whose state is told from there on.
 */
export const zDraftState = z.enum(['draft', 'uploading', 'hashing', 'scheduled', 'failed', 'published'])
export type DraftState = z.infer<typeof zDraftState>

export const zNewDraft = z.strictObject({
  /** For a new release of it; without it a new bundle is made. */
  bundle: zSlug.optional(),
  /** What is published lies in the library of the server already, here; without it, it is uploaded. */
  libraryPath: zText.max(limits.uploadPathCharsMax).optional(),
})

/** What is absent stays. */
export const zDraftChange = z.strictObject({
  title: zTitle.optional(),
  description: zDescription.optional(),
  tags: zTags.optional(),
  audience: zAudience.optional(),
  /** Null: the next number. */
  release: zReleaseName.nullable().optional(),
  notes: zText.max(limits.notesCharsMax).optional(),
  admit: zAdmit.optional(),
  rights: zText.trim().max(400).optional(),
  /** Which of the frames of its video stands for it. */
  poster: z.number().int().min(0).max(2).optional(),
  /** When it goes live; null: as soon as it can. */
  publishAt: zTime.nullable().optional(),
  /** When it is recalled by itself; null: never. */
  expiresAt: zTime.nullable().optional(),
})
export type DraftChange = z.infer<typeof zDraftChange>

export const zDraft = z.object({
  id: zDraftId,
  owner: z.string(),
  /** Absent until there is one. */
  bundle: zSlug.optional(),
  libraryPath: z.string().optional(),
  title: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  audience: z.array(z.string()),
  release: zReleaseName.nullable(),
  notes: z.string(),
  admit: zAdmit,
  rights: z.string(),
  poster: z.number().int(),
  publishAt: zTime.nullable(),
  expiresAt: zTime.nullable(),
  state: zDraftState,
  /** Why, when it has failed. */
  reason: z.string().optional(),
  fileCount: zSize,
  sizeBytes: zSize,
  /** Of uploads: how much of it is there. */
  arrivedBytes: zSize,
  /** While it is hashed. */
  hashedBytes: zSize.optional(),
  infohash: zInfoHash.optional(),
  updatedAt: zTime,
})
export type Draft = z.infer<typeof zDraft>
export const zDraftList = z.object({ items: z.array(zDraft), nextCursor: z.string().nullable() })
export const zDraftQuery = z.object({
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})

/** What somebody is about to upload. */
export const zNewFile = z.strictObject({
  path: zFilePath,
  sizeBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** As the file has it, in milliseconds since 1970: of a file that has changed nothing is taken over. */
  modifiedMs: z.number().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
})
export type NewFile = z.output<typeof zNewFile>
export const zNewFiles = z.strictObject({ files: z.array(zNewFile).min(1).max(limits.uploadFilesAtOnceMax) })

export const zDraftFile = z.object({
  path: z.string(),
  sizeBytes: zSize,
  modifiedMs: zSize,
  arrivedBytes: zSize,
  isThere: z.boolean(),
  /** Where its upload goes on (tus 1.0.0); absent until it has begun, and when it is there. */
  uploadUrl: z.string().optional(),
  /** Its description was moved to the front: this is the new file. */
  mended: z.object({ sizeBytes: zSize, sha256: z.string(), beforeBytes: zSize }).optional(),
  /** While it is, or waits for it. */
  mending: z.object({ doneBytes: zSize, sizeBytes: zSize }).optional(),
  /** Why it was not. */
  mendProblem: z.string().optional(),
})
export type DraftFile = z.infer<typeof zDraftFile>
export const zDraftFileList = z.object({ items: z.array(zDraftFile), nextCursor: z.string().nullable() })
export const zDraftFileQuery = zDraftQuery
export const zFrameNumber = z.coerce.number().int().min(0).max(2)
export const zFileRemoval = z.object({ path: zFilePath })

/** What publishing it would ship. */
export const zReview = z.object({
  name: z.string(),
  isSingleFile: z.boolean(),
  fileCount: zSize,
  sizeBytes: zSize,
  pieceLengthBytes: zSize,
  pieceCount: zSize,
  /** The first of them. */
  files: z.array(z.object({ path: z.string(), sizeBytes: zSize })),
  ignoredCount: zSize,
  ignored: z.array(z.string()),
  /** Why it cannot be published as it is. */
  refusal: z.string().optional(),
  /** Where it has media. */
  media: z
    .object({
      kind: z.enum(['video', 'audio']),
      playsInBrowsers: z.boolean(),
      /** Up to three frames may be had, to choose a poster from. */
      hasFrames: z.boolean(),
      durationSeconds: z.number().min(0).optional(),
    })
    .optional(),
  /** Its files whose description stands at their end, by path in it: that can be moved to the front. */
  mendable: z.array(z.string()).default([]),
  /** What its publisher should know. */
  warnings: z.array(z.string()),
})
export type Review = z.infer<typeof zReview>

/** Which file of a draft. */
export const zMendRequest = z.strictObject({ path: zFilePath })

/** Something in the library of the server. */
export const zLibraryItem = z.object({
  name: z.string(),
  path: z.string(),
  isFolder: z.boolean(),
  /** Of a file. */
  sizeBytes: zSize.optional(),
  /** It is a release already. */
  publishedAs: z.object({ bundle: zSlug, release: zReleaseName }).optional(),
})
export type LibraryItem = z.infer<typeof zLibraryItem>
export const zLibraryListing = z.object({
  path: z.string(),
  items: z.array(zLibraryItem),
  /** There is more than is listed. */
  isCut: z.boolean(),
})
export type LibraryListing = z.infer<typeof zLibraryListing>
export const zLibraryQuery = z.object({ path: zText.max(limits.uploadPathCharsMax).default('') })
