/** Content to transfer, made of chance, and whether it arrived. */
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { KiB, MiB } from '../../src/core/units.ts'

export interface ContentPlan {
  /** 1: a file by itself; else a folder of them. */
  readonly files: number
  readonly fileBytes: number
}

const UNITS: Readonly<Record<string, number>> = { KiB, MiB }
const FILES_MAX = 100_000
const FILES_OF_FOLDER = 100
const BLOCK = MiB

/** `5000x40KiB`, `64MiB`, or a number of MiB. @throws RangeError when it is none of these. */
export function planOf(text: string): ContentPlan {
  const [, files = '1', size = '', unit = 'MiB'] = /^(?:([0-9]+)x)?([0-9]+)(KiB|MiB)?$/.exec(text) ?? []
  const plan = { files: Number(files), fileBytes: Number(size) * (UNITS[unit] ?? NaN) }
  if (!(plan.files >= 1 && plan.files <= FILES_MAX && plan.fileBytes >= KiB))
    throw new RangeError(`not a size: ${text}; say 1024, 64MiB or 5000x40KiB`)
  return plan
}

/** Paths below the folder that the content lies in, `/`-separated. The first part is the torrent's name. */
export function pathsOf({ files }: ContentPlan): readonly string[] {
  if (files === 1) return ['content.bin']
  return Array.from({ length: files }, (_, i) => `content/${Math.floor(i / FILES_OF_FOLDER)}/${i}.bin`)
}

export async function makeContent(folder: string, plan: ContentPlan): Promise<void> {
  for (const path of pathsOf(plan)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await makeFile(join(folder, path), plan.fileBytes)
  }
}

/** Of chance; no two pieces are alike. */
export async function makeFile(path: string, sizeBytes: number): Promise<void> {
  const block = randomFillSync(Buffer.alloc(Math.min(BLOCK, sizeBytes)))
  await using file = await open(path, 'w')
  for (let done = 0; done < sizeBytes; done += block.length) {
    block.writeUInt32LE(done / block.length, 0)
    await file.write(block.subarray(0, Math.min(block.length, sizeBytes - done)))
  }
}

/** SHA-256 by path: of what is planned, in `folder`. */
export async function digestsOf(folder: string, plan: ContentPlan): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>()
  for (const path of pathsOf(plan)) digests.set(path, await sha256(join(folder, path)))
  return digests
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** @throws Error unless every file is in `folder`, equal, and nothing else is. */
export async function mustBeWhole(folder: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const there = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((e) => e.isFile())
  if (there.length !== wanted.size) throw new Error(`${there.length} files in place of ${wanted.size}`)
  for (const [path, digest] of wanted)
    if ((await sha256(join(folder, path))) !== digest) throw new Error(`${path}: the bytes differ`)
}
