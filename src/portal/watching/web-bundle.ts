/**
 * Scripts and style of the watch page, as scripts/build-web.ts makes them of src/web and of the style of all pages. A portal that
 * finds none, or some that were made of other sources, has them made before the first page needs them.
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
  'src/portal/pages/style.ts',
  'src/portal/pages/templates/{layout,watch}.eta',
  'src/portal/style/*.css',
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

/** Of one version. What begins to play stands in the page itself: asking for it would be a connection more, beside the film's. */
export interface WatchAssets {
  /** In the addresses of all scripts but the first, so that they can be kept. */
  readonly version: string
  /** What this page uses of the style of all pages. */
  readonly style: string
  /** The first script. */
  readonly start: string
  /** What a Content-Security-Policy calls it (CSP 3, 2.3.1). */
  readonly startHash: string
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
  #ready: Promise<WatchAssets | undefined> | undefined

  constructor(parts: { readonly log: Logger }) {
    this.#log = parts.log
  }

  /** Undefined where they can neither be found nor made. */
  assets(): Promise<WatchAssets | undefined> {
    this.#ready ??= this.#read()
    return this.#ready
  }

  async #read(): Promise<WatchAssets | undefined> {
    try {
      const version = await this.#make()
      if (version === undefined) return undefined
      const read = (name: string): Promise<string> => readFile(join(bundleFolder, name), 'utf8')
      const [style, start] = await Promise.all([read('watch.css'), read('start.js')])
      const startHash = `sha256-${createHash('sha256').update(start).digest('base64')}`
      return { version, style, start, startHash }
    } catch (error) {
      this.#ready = undefined // as while another process makes them anew
      this.#log.error({ reason: messageOf(error) }, 'what the watch page is made of could not be read')
      return undefined
    }
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
