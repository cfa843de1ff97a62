/** `record.json` of a download. Loaded only when there is one to read: schemas cost more than a whole `shoal get`. */
import { z } from 'zod'
import { zInfoHash } from '../wire/api.ts'

const zRecord = z.strictObject({
  infohash: zInfoHash,
  folder: z.string(),
  files: z.array(z.string()).optional(),
})

/** @throws what the JSON or its shape is wrong about. */
export function parseRecord(text: string): z.infer<typeof zRecord> {
  return zRecord.parse(JSON.parse(text))
}
