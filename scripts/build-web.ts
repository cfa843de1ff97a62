/**
 * Bundles the scripts of the watch page (src/web) into .cache/web, with what it uses of the pages' style and a digest of what all was
 * made of. Does nothing when it is there and of now. Called by scripts/setup, and by a portal that finds them out of date.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PurgeCSS } from 'purgecss'
import { build } from 'vite'
import { readPageStyle } from '../src/portal/pages/style.ts'
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

/** What the page and its scripts name. What the player's elements read in their shadow trees is named nowhere. */
async function styleOfPage(): Promise<string> {
  const templates = join(root, 'src/portal/pages/templates')
  const [purged] = await new PurgeCSS().purge({
    css: [{ raw: await readPageStyle() }],
    content: [join(templates, 'layout.eta'), join(templates, 'watch.eta'), join(web, 'page/*.ts')],
    dynamicAttributes: ['medialoading'], // the player's elements set it
    variables: true,
    safelist: { variables: [/^--media-/] },
  })
  if (purged === undefined) throw new Error('the pages have no style')
  return purged.css
}

/** What stands in a page may not hold what ends it there. */
async function writeInlined(made: string): Promise<void> {
  const style = await styleOfPage()
  await writeFile(join(made, 'watch.css'), style)
  const start = await readFile(join(made, 'start.js'), 'utf8')
  for (const [name, text] of Object.entries({ 'watch.css': style, 'start.js': start }))
    if (/<\/(?:style|script)|<!--/i.test(text)) throw new Error(`${name} cannot stand in a page`)
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
  await writeInlined(made)
  await writeFile(join(made, bundleManifest), `${JSON.stringify({ digest })}\n`)
  await rm(bundleFolder, { recursive: true, force: true })
  await rename(made, bundleFolder)
}
