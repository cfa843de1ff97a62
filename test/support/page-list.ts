/**
 * Every page that the portal has, and the states of each that look different. `test/portal/page-list.test.ts` fails when a page
 * is added to the router and not here; `test/e2e/every-page.test.ts` looks at each in a browser, `scripts/screenshots` takes its
 * picture.
 */
import type { Page } from 'playwright-core'
import type { Places, Visitor } from './page-world.ts'

export interface ListedPage {
  /** Of its picture. */
  readonly name: string
  /** As the router has it. */
  readonly route: string
  readonly by: Visitor
  /** Without it, the route itself. */
  readonly path?: (places: Places) => string
  /** What is done on it before it is looked at. */
  readonly act?: (page: Page) => Promise<void>
  /** It is an answer of an error: the browser says so in its console. */
  readonly isError?: true
  /** It plays what the server may not have: where there is no content, the browser says so, too. */
  readonly hasNoFilm?: true
}

/** There is somebody to set up the portal, and nobody else. */
export const FIRST_PAGE: ListedPage = { name: 'set-up', route: '/set-up', by: 'first' }

export const PAGES: readonly ListedPage[] = [
  { name: 'login', route: '/login', by: 'nobody' },
  { name: 'login-failed', route: '/login', by: 'nobody', path: () => '/login?failed=1', isError: true },
  { name: 'welcome', route: '/welcome/:code', by: 'nobody', path: ({ welcome }) => welcome },
  { name: 'welcome-over', route: '/welcome/:code', by: 'nobody', path: () => '/welcome/none', isError: true },
  { name: 'sealed-link', route: '/l/:code', by: 'nobody', path: ({ sealedLink }) => sealedLink },
  { name: 'library', route: '/', by: 'viewer' },
  { name: 'library-found', route: '/', by: 'viewer', path: () => '/?q=safety' },
  { name: 'library-nothing', route: '/', by: 'viewer', path: () => '/?q=nothing-is-called-so' },
  { name: 'bundle', route: '/bundles/:slug', by: 'viewer', path: ({ bundle }) => `/bundles/${bundle}` },
  {
    name: 'bundle-link',
    route: '/bundles/:slug',
    by: 'viewer',
    path: ({ bundle }) => `/bundles/${bundle}`,
    act: (page) => page.click('button:has-text("Get it")'),
  },
  {
    name: 'bundle-owner',
    route: '/bundles/:slug',
    by: 'admin',
    path: ({ bundle }) => `/bundles/${bundle}`,
    act: openAll,
  },
  {
    name: 'bundle-release',
    route: '/bundles/:slug/releases/:name',
    by: 'admin',
    path: ({ bundle }) => `/bundles/${bundle}/releases/1`,
  },
  {
    name: 'bundle-ask',
    route: '/bundles/:slug',
    by: 'viewer',
    path: ({ closed }) => `/bundles/${closed}`,
    isError: true,
  },
  { name: 'not-here', route: '/', by: 'viewer', path: () => '/no/such/page', isError: true },
  {
    name: 'watch',
    route: '/bundles/:slug/watch',
    by: 'viewer',
    path: ({ bundle }) => `/bundles/${bundle}/watch`,
    act: openAll,
    hasNoFilm: true,
  },
  {
    name: 'watch-release',
    route: '/bundles/:slug/releases/:name/watch',
    by: 'admin',
    path: ({ bundle }) => `/bundles/${bundle}/releases/1/watch?file=0`,
    hasNoFilm: true,
  },
  {
    name: 'watch-nothing',
    route: '/bundles/:slug/watch',
    by: 'viewer',
    path: ({ bundle }) => `/bundles/${bundle}/watch?file=7`,
    isError: true,
  },
  {
    name: 'bundle-who',
    route: '/bundles/:slug/who',
    by: 'admin',
    path: ({ bundle }) => `/bundles/${bundle}/who`,
  },
  {
    name: 'bundle-learning',
    route: '/bundles/:slug/learning',
    by: 'admin',
    path: ({ bundle }) => `/bundles/${bundle}/learning`,
  },
  { name: 'account', route: '/account', by: 'publisher' },
  {
    name: 'account-token',
    route: '/account',
    by: 'viewer',
    async act(page) {
      await page.fill('form[action="/account/tokens"] input[name=name]', 'backup of the media server')
      await page.click('button:has-text("Make a token")')
    },
  },
  { name: 'activate', route: '/activate', by: 'viewer' },
  { name: 'activate-code', route: '/activate', by: 'viewer', path: ({ activate }) => activate },
  { name: 'requests', route: '/requests', by: 'viewer' },
  { name: 'requests-to-answer', route: '/requests', by: 'admin' },
  { name: 'grants', route: '/grants', by: 'viewer' },
  { name: 'grants-of-all', route: '/grants', by: 'admin' },
  { name: 'publish', route: '/publish', by: 'publisher' },
  { name: 'publish-draft', route: '/publish/:id', by: 'publisher', path: ({ draft }) => draft },
  { name: 'publish-library', route: '/publish/library', by: 'admin' },
  { name: 'people', route: '/people', by: 'admin' },
  { name: 'person', route: '/people/:name', by: 'admin', path: () => '/people/vera' },
  { name: 'groups', route: '/groups', by: 'admin' },
  { name: 'sites', route: '/sites', by: 'admin', path: () => '/sites?address=10.4.7.9' },
  { name: 'audit', route: '/audit', by: 'admin' },
  { name: 'operate', route: '/operate', by: 'admin' },
]

/** What the router gives that is no page. */
export const NO_PAGES: readonly string[] = [
  '/assets/pages.css',
  '/assets/tus.min.js',
  '/assets/uplot.css',
  '/assets/uplot.js',
  '/assets/watch-disk.js',
  '/assets/watch.js',
  '/bundles/:slug/qr.svg',
  '/watch-worker.js',
]

/** Each <details> of the page. */
async function openAll(page: Page): Promise<void> {
  await page.evaluate('document.querySelectorAll("main details").forEach((one) => { one.open = true })')
}
