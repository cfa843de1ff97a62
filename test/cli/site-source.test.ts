import assert from 'node:assert/strict'
import type { Site, SitePolicy } from '../../src/core/site.ts'
import { seconds } from '../../src/core/units.ts'
import { SiteSource } from '../../src/cli/site-source.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('The site map that the tracker asks for', () => {
  let items: Site[]
  let unlisted: SitePolicy
  let isAway: boolean
  let asked: number
  const portal = {
    sites: () => {
      asked++
      if (isAway) return Promise.reject(new Error('away'))
      return Promise.resolve({ items: items.map((s) => ({ name: s.name, cidrs: [...s.cidrs] })), unlisted })
    },
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  beforeEach(() => {
    items = [{ name: 'lyon', cidrs: ['10.4.0.0/16'] }]
    unlisted = {}
    isAway = false
    asked = 0
  })

  it('is another object when it is another map only: then every peer is looked up anew', async () => {
    const clock = new ManualClock()
    using source = await SiteSource.start(clock, silentLogger, portal)
    const first = source.current()
    clock.advance(seconds(10))
    await settled()
    assert.equal(asked, 2)
    assert.equal(source.current(), first)
    items = [...items, { name: 'oslo', cidrs: ['10.7.0.0/16'] }]
    clock.advance(seconds(10))
    await settled()
    assert.deepEqual(source.current().sites, items)
    unlisted = { peering: 'off' }
    clock.advance(seconds(10))
    await settled()
    assert.deepEqual(source.current().unlisted, { peering: 'off' })
    assert.deepEqual(source.current().sites, items)
  })

  it('stays as it was while the portal is away', async () => {
    const clock = new ManualClock()
    using source = await SiteSource.start(clock, silentLogger, portal)
    const first = source.current()
    isAway = true
    clock.advance(seconds(10))
    await settled()
    assert.equal(source.current(), first)
  })
})
