/** What is fetched, and whether it arrived. */
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

const MIB = 1_048_576

/** Random bytes: nothing on the way could make them fewer. */
export async function makeContent(path: string, sizeMiB: number): Promise<void> {
  await using file = await open(path, 'w')
  const block = Buffer.allocUnsafe(MIB)
  for (let i = 0; i < sizeMiB; i++) await file.write(randomFillSync(block))
}

/** Lower-case hex; nothing when there is no such file. */
export async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}
