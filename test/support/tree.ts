/** Folders of files with awkward names, the same at each call, and their SHA-256. */
import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { KiB, MiB } from '../../src/core/units.ts'

/** Names that have broken URL codecs, shells and file systems, with sizes in bytes; all legal everywhere. */
export const AWKWARD_FILES: Readonly<Record<string, number>> = {
  'read me first.txt': 1_234,
  'Économie & café.txt': 40 * KiB + 7,
  '100% sure #1.bin': 300 * KiB + 1,
  'a+b=c,d;e.bin': 64 * KiB,
  'empty.txt': 0,
  'one byte': 1,
  '空 白/ビデオ.dat': 700 * KiB + 13,
  "folder [1] (old)/it's %20 here/deep file.bin": 2 * MiB + 5,
  'folder [1] (old)/.keep': 0,
  'lesson 1.mp4': 5 * MiB + 333,
}

/** `sizeBytes` bytes that no compressor shrinks, the same for the same `seed`. */
export function seededBytes(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes))
}

/** Writes `files` (path below `folder` -> size) with {@link seededBytes} of `seed` and their path. */
export async function makeTree(
  folder: string,
  seed: string,
  files: Readonly<Record<string, number>> = AWKWARD_FILES,
): Promise<void> {
  for (const [path, sizeBytes] of Object.entries(files)) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, seededBytes(`${seed}/${path}`, sizeBytes))
  }
}

/** `path below folder -> SHA-256 in hex` of every file, sorted by path. */
export async function digestsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((e) => e.isFile()).map((e) => relative(folder, join(e.parentPath, e.name)))
  const digests: Record<string, string> = {}
  for (const path of paths.sort()) digests[path] = await digestOf(join(folder, path))
  return digests
}

/** SHA-256 in hex of one file. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
