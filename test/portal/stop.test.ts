import assert from 'node:assert/strict'
import { Router } from 'express'
import type { PagesFactory } from '../../src/portal/pages-host.ts'
import { openTestPortal } from './test-portal.ts'

describe('A portal that stops', () => {
  it('answers who has asked before it closes what the answer is made from', async () => {
    const hasBegun = Promise.withResolvers<undefined>()
    const mayGoOn = Promise.withResolvers<undefined>()
    const pages: PagesFactory = (services) =>
      Router().get('/slow', async (_req, res) => {
        hasBegun.resolve(undefined)
        await mayGoOn.promise
        res.json(await services.list({ user: 'ann', role: 'admin', groups: [] }, { limit: 1 }))
      })
    await using portal = await openTestPortal({ pages })
    const answer = portal
      .get('/slow')
      .expect(200)
      .then((res) => res.body as unknown)
    await hasBegun.promise
    let isClosed = false
    const closed = portal.portal[Symbol.asyncDispose]().then(() => (isClosed = true))
    // More turns than closing takes when nobody has asked.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isClosed, false)
    assert.equal(portal.clock.timers, 1, 'it waits for the answer, but not for ever')
    mayGoOn.resolve(undefined)
    assert.deepEqual(await answer, { items: [], nextCursor: null })
    await closed
  })
})
