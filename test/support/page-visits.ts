/** Opens listed pages in a browser, each visitor in a context of their own. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { watchTroubles } from './page-check.ts'
import type { ListedPage } from './page-list.ts'
import type { PageWorld, Places, Visitor } from './page-world.ts'

export interface PageVisit<W> extends AsyncDisposable {
  readonly page: Page
  /** Dialogs, errors, broken security policy; not what a page in its state has the browser say. */
  readonly troubles: readonly string[]
  readonly watched: W
}

export class PageVisits {
  readonly #browser: Browser
  readonly #world: PageWorld
  readonly #options: BrowserContextOptions
  readonly #contexts = new Map<Visitor, Promise<BrowserContext>>()

  constructor(browser: Browser, world: PageWorld, options: BrowserContextOptions) {
    this.#browser = browser
    this.#world = world
    this.#options = options
  }

  /** When all is loaded, and its act is done. `watch` sees the page before it is. */
  async open<W = undefined>(
    listed: ListedPage,
    places: Places | undefined,
    watch?: (page: Page) => W,
  ): Promise<PageVisit<W>> {
    const page = await (await this.#contextOf(listed.by)).newPage()
    const all = watchTroubles(page)
    const watched = watch?.(page) as W
    const path = listed.path === undefined || places === undefined ? listed.route : listed.path(places)
    await page.goto(`${this.#world.address}${path}`, { waitUntil: 'load' })
    if (listed.act !== undefined) {
      await listed.act(page)
      await page.waitForLoadState('load')
    }
    return {
      page,
      watched,
      get troubles() {
        const expected = listed.isError ? /status of 40\d/ : listed.hasNoFilm ? /status of 503/ : undefined
        return expected === undefined ? all : all.filter((text) => !expected.test(text))
      },
      [Symbol.asyncDispose]: () => page.close(),
    }
  }

  async close(): Promise<void> {
    for (const context of this.#contexts.values()) await (await context).close()
    this.#contexts.clear()
  }

  #contextOf(visitor: Visitor): Promise<BrowserContext> {
    const made = this.#contexts.get(visitor) ?? this.#newContext(visitor)
    this.#contexts.set(visitor, made)
    return made
  }

  async #newContext(visitor: Visitor): Promise<BrowserContext> {
    const context = await this.#browser.newContext(this.#options)
    const [name, value = ''] = (this.#world.cookies.get(visitor) ?? '').split(/=(.*)/s)
    if (name !== undefined && name !== '')
      await context.addCookies([{ name, value, url: this.#world.address, httpOnly: true }])
    return context
  }
}
