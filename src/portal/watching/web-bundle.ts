/**
 * The scripts of the watch page, as scripts/build-web.ts bundles them from src/web. A portal that finds none, or some that were
 * made of other sources, has them made before the first page needs them.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../platform/log.ts'

const root = join(import.meta.dirname, '../../..')
export const bundleFolder = join(root, '.cache/web')
export const bundleManifest = 'manifest.json'

const zManifest = z.object({ digest: z.string() })
export type WebBundleManifest = z.infer<typeof zManifest>

/** Whatever ends up in a bundle. */
const SOURCES = [
  'src/web/**/*.ts',
  'src/core/*.ts',
  'src/wire/*.ts',
  'package-lock.json',
  'scripts/build-web.ts',
]

export async function digestOfSources(): Promise<string> {
  const files: string[] = []
  for (const pattern of SOURCES) for await (const file of glob(pattern, { cwd: root })) files.push(file)
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(file).update(await readFile(join(root, file)))
  return hash.digest('base64url').slice(0, 22)
}

/** Undefined where there is no bundle. */
export async function readManifest(): Promise<WebBundleManifest | undefined> {
  try {
    return zManifest.parse(JSON.parse(await readFile(join(bundleFolder, bundleManifest), 'utf8')))
  } catch {
    return undefined
  }
}

export class WebBundle {
  readonly #log: Logger
  #ready: Promise<string | undefined> | undefined

  constructor(parts: { readonly log: Logger }) {
    this.#log = parts.log
  }

  /** What names the bundle's version, when it is there; undefined where it can neither be found nor made. */
  version(): Promise<string | undefined> {
    this.#ready ??= this.#make()
    return this.#ready
  }

  async #make(): Promise<string | undefined> {
    const digest = await digestOfSources()
    const before = await readManifest()
    if (before?.digest === digest) return digest
    try {
      await promisify(execFile)(process.execPath, [join(root, 'scripts/build-web.ts')], { cwd: root })
      return digest
    } catch (error) {
      // somebody else may have made them meanwhile
      if ((await readManifest())?.digest === digest) return digest
      this.#ready = undefined // the next page tries once more
      const reason = messageOf(error).slice(0, 400)
      this.#log.error({ reason }, 'the scripts of the watch page could not be made: run scripts/setup')
      return before?.digest
    }
  }
}
