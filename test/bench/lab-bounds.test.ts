/** What the lab compares its figures with. */
import assert from 'node:assert/strict'
import { boundsOf, leastWanCopies } from '../../bench/lab/bounds.ts'
import type { Cut, HostPlan, SitePlan } from '../../bench/lab/plan.ts'

const SIZE = 64 * 1_048_576
/** Of 64 MiB over 20 Mbit/s and over 100. */
const [AT_20, AT_100] = [26.84, 5.37]

const host = (more: Partial<HostPlan> = {}): HostPlan => ({
  client: 'shoal',
  lanMbit: 100,
  arrivesAtSeconds: 0,
  acceptsConnections: true,
  ...more,
})
const closed = (more: Partial<HostPlan> = {}): HostPlan => host({ acceptsConnections: false, ...more })
const site = (hosts: readonly HostPlan[], wanMbit = 20): SitePlan => ({ wanMbit, hosts })
const four = (): readonly HostPlan[] => Array.from({ length: 4 }, () => host())

function bounds(sites: readonly SitePlan[], more: { originMbit?: number; cuts?: readonly Cut[] } = {}) {
  const { hostSeconds, aloneSeconds, wholeSeconds } = boundsOf(SIZE, {
    originMbit: 20,
    cuts: [],
    sites,
    ...more,
  })
  const rounded = (seconds: number): number => Math.round(seconds * 100) / 100
  return { hosts: hostSeconds.map(rounded), alone: aloneSeconds.map(rounded), whole: rounded(wholeSeconds) }
}

describe('the lower bound', () => {
  it('of the yardstick is one copy over its slowest link, for each host and for all', () => {
    const found = bounds([site(four()), site(four()), site(four())])
    assert.equal(found.whole, AT_20)
    assert.deepEqual(found.hosts, Array(12).fill(AT_20))
  })

  it('is that of the origin where nothing is slower', () => {
    assert.equal(bounds([site(four()), site(four())], { originMbit: 10 }).whole, 53.69)
  })

  it('of a slow site holds for its own hosts alone', () => {
    const found = bounds([site([host()]), site([host()], 2)])
    assert.deepEqual(found.hosts, [AT_20, 268.44])
    assert.equal(found.whole, 268.44)
  })

  it('of a slow host holds for it alone', () => {
    assert.deepEqual(bounds([site([host(), host({ lanMbit: 10 })])]).hosts, [AT_20, 53.69])
  })

  it('of who comes late counts from its arrival, and what others have fetched by then is there', () => {
    const late = host({ arrivesAtSeconds: 20 })
    const found = bounds([site([host(), late])])
    assert.deepEqual(found.hosts, [AT_20, 6.84])
    assert.equal(found.whole, AT_20)
    assert.deepEqual(bounds([site([host(), host({ arrivesAtSeconds: 100 })])]).hosts, [AT_20, AT_100])
  })

  it('of who comes late to a site that nobody else is at counts the WAN link from its arrival', () => {
    const found = bounds([site([host()]), site([host({ arrivesAtSeconds: 100 })])])
    assert.deepEqual(found.hosts, [AT_20, AT_20])
    assert.equal(found.whole, 126.84)
  })

  it('of a host as if it were alone counts all of its links from its arrival', () => {
    const late = host({ arrivesAtSeconds: 100 })
    assert.deepEqual(bounds([site([host(), late])]).alone, [AT_20, AT_20])
    assert.deepEqual(bounds([site([late, host({ lanMbit: 10 })], 2)]).alone, [268.44, 268.44])
  })

  it('has a copy over the WAN for each host of a site where nobody accepts connections', () => {
    const found = bounds([site([host()]), site([closed(), closed()])])
    assert.equal(found.whole, 53.69)
    assert.deepEqual(found.hosts, [AT_20, AT_20, AT_20])
  })

  it('has a copy from the origin for each host where nobody accepts connections anywhere', () => {
    assert.equal(bounds([site([closed()]), site([closed()])]).whole, 53.69)
  })

  it('waits while a site is cut from everything, and not while it is cut from one other', () => {
    const cut = (between: Cut['between'], fromSeconds: number): Cut => ({
      between,
      fromSeconds,
      untilSeconds: fromSeconds + 60,
    })
    const sites = [site([host()]), site([host()])]
    const apart = { kind: 'apart', sites: [1] } as const
    assert.deepEqual(bounds(sites, { cuts: [cut(apart, 10)] }).hosts, [AT_20, 86.84])
    assert.deepEqual(bounds(sites, { cuts: [cut(apart, 30)] }).hosts, [AT_20, AT_20])
    assert.deepEqual(bounds(sites, { cuts: [cut(apart, 0), cut(apart, 70)] }).hosts, [AT_20, 146.84])
    const twoOnly = { kind: 'pair', sites: [0, 1] } as const
    assert.equal(bounds(sites, { cuts: [cut(twoOnly, 10)] }).whole, AT_20)
  })

  it('leaves out who is there to poison', () => {
    const found = bounds([site([host(), host({ client: 'poisoner', lanMbit: 1 })])])
    assert.deepEqual(found, { hosts: [AT_20], alone: [AT_20], whole: AT_20 })
  })
})

describe('the least that enters a site', () => {
  it('is one copy where one of its hosts accepts connections, or there is but one', () => {
    assert.equal(leastWanCopies(site([host(), closed(), closed()])), 1)
    assert.equal(leastWanCopies(site([closed()])), 1)
  })

  it('is a copy for each host where none does', () => {
    assert.equal(leastWanCopies(site([closed(), closed(), closed()])), 3)
  })

  it('is nothing where nobody wants anything', () => {
    assert.equal(leastWanCopies(site([host({ client: 'poisoner' })])), 0)
  })
})
