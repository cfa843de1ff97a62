/**
 * A film that plays only when all of it is there, as one that plays while it arrives: a copy in `DATA/mended`, which is what is then
 * published and served from there. The file itself is only read.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { kindOfName } from '../core/kinds.ts'
import { ShoalError } from '../core/errors.ts'
import { mendFile, readMedia } from '../seeder/index.ts'
import type { Context } from './context.ts'
import { bytesText } from './text.ts'

/** Its description stands at its end. */
async function isLate(path: string, signal: AbortSignal): Promise<boolean> {
  const isFilm = kindOfName(path) === 'video' && (await stat(path).catch(() => undefined))?.isFile() === true
  return isFilm && (await readMedia(path, signal))?.isFaststart === false
}

/** For who did not ask for it. */
export async function hintAtMending(context: Context, path: string, signal: AbortSignal): Promise<void> {
  if (!(await isLate(path, signal))) return
  context.output.event({ event: 'mendable', path })
  context.output.note(
    'What describes this film stands at its end, so it plays only when all of it is there: --mend publishes a copy that plays from its beginning on.',
  )
}

/**
 * What to publish: the copy, made now or before, or the path itself where there is nothing to mend.
 * @throws ShoalError `bad-usage` for a folder; `bad-input`, `unavailable`, `interrupted` as mending does.
 */
export async function mendedCopy(context: Context, path: string, signal: AbortSignal): Promise<string> {
  const { output, dataDir } = context
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  if (found?.isDirectory() === true)
    throw new ShoalError(
      'bad-usage',
      '--mend takes one file: mend those of a folder one by one, or on the page',
    )
  if (found === undefined || !(await isLate(path, signal))) {
    output.note('There is nothing to mend: it is published as it is.')
    return path
  }
  // the same file, unchanged, is not copied twice
  const id = createHash('sha256').update(`${path} ${found.size} ${found.mtimeNs}`).digest('hex').slice(0, 16)
  const copy = join(dataDir, 'mended', id, basename(path))
  if (existsSync(copy)) return copy
  await mkdir(dirname(copy), { recursive: true })
  const { bavail, bsize } = await statfs(dirname(copy))
  if (bavail * bsize < Number(found.size))
    throw new ShoalError('unavailable', `there is no room for a mended copy in ${dirname(copy)}`)
  const part = join(dataDir, 'mended', `${id}.part`)
  await rm(part, { force: true }) // of a run that was killed
  const onProgress = (doneBytes: number, sizeBytes: number): void =>
    output.bar(doneBytes / sizeBytes, `mending ${bytesText(doneBytes)} of ${bytesText(sizeBytes)}`)
  const { sizeBytes, sha256 } = await mendFile(path, part, onProgress, signal)
  await rename(part, copy)
  output.clearBar()
  output.event({ event: 'mended', path: copy, sizeBytes, sha256 })
  output.note(
    `Published is a mended copy, ${copy}: keep it while this machine serves it. Your file is as it was.`,
  )
  return copy
}
