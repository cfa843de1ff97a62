/** What is fetched, and whether it arrived. */
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const MIB = 1_048_576

/** One file, or many of one size in a folder. */
export interface ContentPlan {
  readonly files: number
  readonly fileBytes: number
}

export interface Content {
  /** The file or the folder; nothing else is in the folder that it is in. */
  readonly path: string
  readonly sizeBytes: number
  /** Of each file, by its path from the folder that the content is in. */
  readonly sha256: ReadonlyMap<string, string>
}

/** Random bytes: nothing on the way could make them fewer. `folder` must be there. */
export async function makeContent(folder: string, { files, fileBytes }: ContentPlan): Promise<Content> {
  const names =
    files === 1
      ? ['content.bin']
      : Array.from({ length: files }, (_, i) => join('content', `${String(i).padStart(6, '0')}.bin`))
  const sha256 = new Map<string, string>()
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    sha256.set(name, await writeRandom(join(folder, name), fileBytes))
  }
  return {
    path: join(folder, files === 1 ? 'content.bin' : 'content'),
    sizeBytes: files * fileBytes,
    sha256,
  }
}

/** Whether every file is in `folder` as it was made. */
export async function isWhole(folder: string, { sha256 }: Content): Promise<boolean> {
  for (const [name, wanted] of sha256) if ((await sha256Of(join(folder, name))) !== wanted) return false
  return true
}

async function writeRandom(path: string, bytes: number): Promise<string> {
  await using file = await open(path, 'w')
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(Math.min(bytes, MIB))
  for (let left = bytes; left > 0; left -= block.length) {
    const part = randomFillSync(block).subarray(0, left)
    hash.update(part)
    await file.write(part)
  }
  return hash.digest('hex')
}

/** Lower-case hex; nothing when there is no such file. */
async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}
