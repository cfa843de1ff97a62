/**
 * What the seeder remembers of a release beside its info bytes: where its files are and how they looked when
 * they were hashed. `DATA/seeder/releases/INFOHASH.json`; read back strictly, as any file that a person can edit.
 * Loaded only when there is a record to read: schemas take a tenth of a second.
 */
import { z } from 'zod'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { zAdmit, zInfoHash, zReleaseName, zSlug } from '../wire/api.ts'

const zStamp = z.strictObject({
  path: z.string(),
  sizeBytes: z.number().int().min(0),
  mtimeNs: z.string().regex(/^-?[0-9]{1,20}$/),
  ino: z.string().regex(/^[0-9]{1,20}$/),
})

export const zReleaseRecord = z.strictObject({
  version: z.literal(1),
  infohash: zInfoHash,
  /** Content lies at `contentFolder/name` or `contentFolder/name/path`. */
  contentFolder: z.string().min(1),
  name: z.string().min(1),
  isSingleFile: z.boolean(),
  sizeBytes: z.number().int().min(1),
  pieceLengthBytes: z.number().int().min(1),
  files: z.array(zStamp).min(1),
  /** Who brought it: the watched folder, `shoal publish`, or the swarm of a publisher elsewhere. */
  origin: z.enum(['library', 'publish', 'fetched']),
  /** Of a library release: the name directly below the library folder. */
  entry: z.string().optional(),
  /** Where it stands in the catalogue, once the portal has said so. */
  bundle: zSlug.optional(),
  release: zReleaseName.optional(),
  /** As the portal has it: `ours` is served to our clients only. */
  admit: zAdmit.optional(),
  /**
   * `hashed`: stored, the portal does not know it yet. `registered`: the portal lists it; it is served.
   * `damaged`: its bytes on the disk do not match although nothing wrote to the files; it is not served.
   */
  state: z.enum(['hashed', 'registered', 'damaged']),
  /** Milliseconds since 1970. */
  storedAtMs: z.number().min(0),
})
export type ReleaseRecord = z.infer<typeof zReleaseRecord>

/** @throws ShoalError `bad-input` when it is no record, or one of another infohash. */
export function parseRecord(text: string, expected: InfoHash): ReleaseRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ShoalError('bad-input', 'the record is no JSON', { cause: error })
  }
  const parsed = zReleaseRecord.safeParse(value)
  if (!parsed.success)
    throw new ShoalError('bad-input', `the record is not valid: ${z.prettifyError(parsed.error)}`)
  if (parsed.data.infohash !== expected) throw new ShoalError('bad-input', 'the record is of another release')
  return parsed.data
}
