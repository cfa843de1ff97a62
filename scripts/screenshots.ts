/**
 * Pictures of every page, desktop and phone, light and dark, to be looked at: `node scripts/screenshots.ts PORTAL
 * TOKEN_FILE FOLDER`, against a running portal that has something to show.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchChromium } from '../test/support/chromium.ts'
import type { BrowserContext } from 'playwright-core'

const [portal, tokenFile, folder] = process.argv.slice(2)
if (portal === undefined || tokenFile === undefined || folder === undefined) {
  console.error('usage: node scripts/screenshots.ts PORTAL TOKEN_FILE FOLDER')
  process.exit(2)
}

const FORMS = [
  { name: 'desktop', width: 1280, height: 900 },
  { name: 'phone', width: 390, height: 844 },
]

async function picturesOf(context: BrowserContext, name: string): Promise<void> {
  const page = await context.newPage()
  const shoot = (what: string): Promise<unknown> =>
    page.screenshot({ path: join(folder ?? '', `${what}-${name}.png`), fullPage: true })
  await page.goto(`${portal ?? ''}/login`)
  await shoot('login')
  await page.click('summary')
  await page.fill('input[name=token]', (await readFile(tokenFile ?? '', 'utf8')).trim())
  await page.click('details button[type=submit]')
  await shoot('library')
  await page.goto(`${portal ?? ''}/?q=nothing-is-called-so`)
  await shoot('no-results')
  await page.goto(`${portal ?? ''}/bundles/no-such-bundle`)
  await shoot('not-here')
  for (const path of [
    'account',
    'activate',
    'requests',
    'people',
    'groups',
    'grants',
    'sites',
    'audit',
    'operate',
  ]) {
    await page.goto(`${portal ?? ''}/${path}`)
    await shoot(path)
  }
  await page.goto(portal ?? '')
  await page.click('.card a >> nth=0')
  await shoot('bundle')
  await page.click('main form button[type=submit]')
  await shoot('link')
}

await mkdir(folder, { recursive: true })
await using browser = {
  it: await launchChromium(),
  [Symbol.asyncDispose]() {
    return this.it.close()
  },
}
for (const { name, width, height } of FORMS) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.it.newContext({ viewport: { width, height }, colorScheme })
    await picturesOf(context, `${name}-${colorScheme}`)
    await context.close()
  }
}
