/** `scripts/screenshots`: see there. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { launchChromium } from '../../test/support/chromium.ts'
import { faultsOf, SCRIPT_BYTES_MAX, scriptsOf } from '../../test/support/page-check.ts'
import { FIRST_PAGE, PAGES, type ListedPage } from '../../test/support/page-list.ts'
import { PageVisits } from '../../test/support/page-visits.ts'
import type { PageWorld, Places } from '../../test/support/page-world.ts'
import { startCompany } from './company.ts'
import { takeReadmePicture } from './readme-picture.ts'

const SIZES = [
  { name: 'desktop', viewport: { width: 1280, height: 900 } },
  { name: 'phone', viewport: { width: 360, height: 740 } },
] as const
const COLOURS = ['light', 'dark'] as const
const FIRST_AFTER_SIGN_IN = 'library'

const { values, positionals } = parseArgs({
  options: { readme: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const folder = resolve(positionals[0] ?? (await mkdtemp(join(tmpdir(), 'shoal-pictures-'))))
const work = await mkdtemp(join(tmpdir(), 'shoal-company-'))
const faults: string[] = []
try {
  await using stack = new AsyncDisposableStack()
  const browser = stack.adopt(await launchChromium(), (open) => open.close())
  const company = stack.use(await startCompany(work))
  if (!values.readme) {
    await mkdir(folder, { recursive: true })
    await company.world.begin(company.setUpUrl)
    await takeAll(browser, company.world, undefined, [FIRST_PAGE])
  }
  const places = await company.settle()
  if (values.readme) {
    const path = resolve(import.meta.dirname, '../../docs/library.png')
    const sizeBytes = await takeReadmePicture(new PageVisits(browser, company.world, { viewport: SIZES[0].viewport, colorScheme: 'light' }), { places, path, work }) // prettier-ignore
    console.log(`${path}: ${sizeBytes} bytes`)
  } else {
    // its library publishes itself, so that there is no page to do so
    const listed = PAGES.filter(({ route }) => route !== '/publish/library')
    await takeAll(browser, company.world, places, listed)
    console.log(`pictures are in ${folder}`)
  }
} finally {
  await rm(work, { recursive: true, force: true })
}
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1

async function takeAll(
  browser: Browser,
  world: PageWorld,
  places: Places | undefined,
  listed: readonly ListedPage[],
): Promise<void> {
  for (const { name, viewport } of SIZES)
    for (const colorScheme of COLOURS) {
      const visits = new PageVisits(browser, world, { viewport, colorScheme, reducedMotion: 'reduce' })
      for (const page of listed) await take(visits, { listed: page, places, form: `${name}-${colorScheme}` })
      await visits.close()
    }
}

async function take(
  visits: PageVisits,
  what: { readonly listed: ListedPage; readonly places: Places | undefined; readonly form: string },
): Promise<void> {
  const { listed, places, form } = what
  const said = (fault: string): number => faults.push(`${listed.name}, ${form}: ${fault}`)
  await using visit = await visits.open(listed, places, scriptsOf)
  const { page, troubles, watched } = visit
  await page.screenshot({ path: join(folder, `${listed.name}-${form}.png`), fullPage: true })
  for (const fault of [...(await faultsOf(page)), ...troubles]) said(fault)
  if (listed.name !== FIRST_AFTER_SIGN_IN) return
  const bytes = await watched.gzippedBytes()
  console.log(`${listed.name}, ${form}: ${bytes} bytes of script, gzipped`)
  if (bytes > SCRIPT_BYTES_MAX) said(`${bytes} bytes of script, and ${SCRIPT_BYTES_MAX} are the bound`)
}
