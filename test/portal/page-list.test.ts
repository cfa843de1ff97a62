import assert from 'node:assert/strict'
import type { Router } from 'express'
import { pages } from '../../src/portal/pages/pages.ts'
import { FIRST_PAGE, NO_PAGES, PAGES } from '../support/page-list.ts'
import { openTestPortal } from './test-portal.ts'

/** What GET is answered by, of this router and those in it. */
function routesOf(router: Router): string[] {
  return router.stack.flatMap(({ route, handle }) => {
    if (route !== undefined) return route.stack.some((layer) => layer.method === 'get') ? [route.path] : []
    return 'stack' in handle ? routesOf(handle as Router) : []
  })
}

describe('The list of pages', () => {
  it('has every page of the router, and no other', async () => {
    let router: Router | undefined
    await using _portal = await openTestPortal({ pages: (services) => (router = pages(services)) })
    assert.ok(router !== undefined)
    const there = new Set(routesOf(router))
    assert.ok(there.size > 15, `saw ${there.size} routes`)
    const listed = new Set([FIRST_PAGE, ...PAGES].map(({ route }) => route))
    assert.deepEqual(
      there.difference(listed.union(new Set(NO_PAGES))),
      new Set(),
      'not in test/support/page-list.ts',
    )
    assert.deepEqual(listed.union(new Set(NO_PAGES)).difference(there), new Set(), 'no page of the router')
  })

  it('has a name of its own for each', () => {
    assert.equal(new Set(PAGES.map(({ name }) => name)).size, PAGES.length)
  })
})
