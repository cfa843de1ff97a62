/** A visitor of our pages in a real browser, and what every page must stand. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

export interface Visitor {
  readonly page: Page
  /** Every dialog, error and broken security policy so far. */
  readonly troubles: string[]
}

/** A page in a context of its own. */
export async function visitorOf(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ colorScheme: 'dark', ...options })
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`))
  page.on('console', (said) => {
    if (said.type() === 'error' || /Content Security Policy/.test(said.text())) troubles.push(said.text())
  })
  return { page, troubles }
}

let axe: string | undefined

/** axe finds nothing, and nothing is wider than the window. */
export async function mustBeGood(page: Page): Promise<void> {
  axe ??= await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
  await page.evaluate(axe)
  const found: unknown = await page.evaluate(
    'axe.run().then((r) => r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.map((n) => n.html).join(" ")))',
  )
  assert.deepEqual(found, [], page.url())
  const overflow: unknown = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  assert.ok(Number(overflow) <= 0, `${page.url()} is ${String(overflow)} px too wide`)
}
