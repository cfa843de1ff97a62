/** A visitor of our pages in a real browser, and what every page must stand. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContextOptions, Page, Response } from 'playwright-core'

export interface Visitor {
  readonly page: Page
  /** Every dialog, error and broken security policy so far. */
  readonly troubles: string[]
}

/** A page in a context of its own. */
export async function visitorOf(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ colorScheme: 'dark', ...options })
  const page = await context.newPage()
  return { page, troubles: watchTroubles(page) }
}

/** Every dialog, error and broken security policy from now on. */
export function watchTroubles(page: Page): string[] {
  const troubles: string[] = []
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`))
  page.on('console', (said) => {
    if (said.type() === 'error' || /Content Security Policy/.test(said.text())) troubles.push(said.text())
  })
  return troubles
}

/** Of the first page after signing in; what watching a film needs comes with the film. */
export const SCRIPT_BYTES_MAX = 60_000

let axe: string | undefined

/** axe finds nothing, and nothing is wider than the window. */
export async function mustBeGood(page: Page): Promise<void> {
  assert.deepEqual(await faultsOf(page), [], page.url())
}

/** The same in the other colours: what has nothing to do with them was looked at before. */
export async function mustBeReadableToo(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  assert.deepEqual(
    await axeFaultsOf(page, '{ runOnly: ["color-contrast"] }'),
    [],
    `${page.url()}, ${colorScheme}`,
  )
}

/** What axe finds, and whether something is wider than the window. */
export async function faultsOf(page: Page): Promise<string[]> {
  const faults = await axeFaultsOf(page, '{}')
  const overflow = Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
  return overflow <= 0 ? faults : [...faults, `${overflow} px too wide`]
}

async function axeFaultsOf(page: Page, options: string): Promise<string[]> {
  axe ??= await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
  await page.evaluate(axe)
  return await page.evaluate(
    `axe.run(${options}).then((r) => r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html).join(" ")))`,
  )
}

/** Of scripts that a page loads, until it is asked for: their bytes, compressed as a server may send them. */
export function scriptsOf(page: Page): { gzippedBytes(): Promise<number> } {
  const scripts: Response[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response)
  })
  return {
    async gzippedBytes() {
      const sizes = scripts.map(async (script) => gzipSync(await script.body()).length)
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    },
  }
}
