/**
 * Bundles the scripts of the watch page (src/web) into .cache/web, with a digest of what they were made of. Does nothing when they
 * are there and of now. Called by scripts/setup, and by a portal that finds them out of date.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'
import {
  bundleFolder,
  bundleManifest,
  digestOfSources,
  readManifest,
} from '../src/portal/watching/web-bundle.ts'

const root = join(import.meta.dirname, '..')
const web = join(root, 'src/web')

const ENTRIES = {
  start: join(web, 'page/start.ts'),
  watch: join(web, 'page/watch.ts'),
  disk: join(web, 'worker/disk.ts'),
  'service-worker': join(web, 'worker/service-worker.ts'),
}

const digest = await digestOfSources()
if ((await readManifest())?.digest !== digest) {
  const made = `${bundleFolder}.${process.pid}`
  await rm(made, { recursive: true, force: true })
  await mkdir(made, { recursive: true })
  // One by one: a service worker may import nothing, so nothing is shared between them.
  for (const [name, entry] of Object.entries(ENTRIES))
    await build({
      root: web,
      configFile: false,
      logLevel: 'warn',
      build: {
        outDir: made,
        emptyOutDir: false,
        target: 'es2023',
        modulePreload: false,
        reportCompressedSize: false,
        rolldownOptions: {
          input: entry,
          preserveEntrySignatures: 'strict', // the first script calls the second
          output: { entryFileNames: `${name}.js`, codeSplitting: false },
        },
      },
    })
  await writeFile(join(made, bundleManifest), `${JSON.stringify({ digest })}\n`)
  await rm(bundleFolder, { recursive: true, force: true })
  await rename(made, bundleFolder)
}
