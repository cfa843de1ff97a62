/** Does a download hold the same bytes? By SHA-256, file by file, in both directions. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A line for each file that is missing, surplus or different; none when all is well. */
export async function differences(published: string, landedIn: string, who: string): Promise<string[]> {
  const landed = join(landedIn, basename(published))
  const [want, have] = await Promise.all([hashesOf(published), hashesOf(landed)])
  const lines: string[] = []
  for (const [path, sum] of want) {
    if (!have.has(path)) lines.push(`${who}: ${path} is missing`)
    else if (have.get(path) !== sum) lines.push(`${who}: ${path} differs`)
  }
  for (const path of have.keys()) if (!want.has(path)) lines.push(`${who}: ${path} is not in the library`)
  return lines
}

async function hashesOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sums = new Map<string, string>()
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const hash = createHash('sha256')
    await pipeline(createReadStream(path), hash)
    sums.set(relative(folder, path), hash.digest('hex'))
  }
  return sums
}
