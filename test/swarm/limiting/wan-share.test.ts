import assert from 'node:assert/strict'
import { ipAddress } from '../../../src/core/address.ts'
import { peerIdOfBytes } from '../../../src/core/ids.ts'
import { SiteMap } from '../../../src/core/site.ts'
import { seconds } from '../../../src/core/units.ts'
import { Whereabouts } from '../../../src/swarm/limiting/whereabouts.ts'
import { wanShare } from '../../../src/swarm/limiting/wan-share.ts'
import { SourceMap } from '../../../src/swarm/peer-source.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const id = (n: number) => peerIdOfBytes(Buffer.from(`-SH0100-${String(n).padStart(12, '0')}`))
const site = (wanBytesPerSecond?: number) => ({ name: 'lyon', cidrs: ['10.1.0.0/16'], wanBytesPerSecond })

describe("a client's share of its site's budget", () => {
  it('is none where no budget is set, and where the WAN is closed to introductions', () => {
    assert.equal(wanShare({ sites: [undefined, site()], peers: 1, colleagues: () => [] }), undefined)
    assert.equal(wanShare({ sites: [site(0)], peers: 1, colleagues: () => [id(1)] }), undefined)
  })

  it('is an equal one by those it knows, each counted once in however many torrents it meets them', () => {
    assert.equal(wanShare({ sites: [site(900)], peers: 1, colleagues: () => [] }), 900)
    assert.equal(wanShare({ sites: [site(900)], peers: 1, colleagues: () => [id(1), id(2), id(1)] }), 300)
  })

  it("is one by the tracker's count where that is larger", () => {
    assert.equal(wanShare({ sites: [site(900)], peers: 9, colleagues: () => [id(1)] }), 100)
    assert.equal(wanShare({ sites: [site(900)], peers: 2, colleagues: () => [id(1), id(2)] }), 300)
  })

  it('is of the smallest budget of several, and never nothing', () => {
    assert.equal(wanShare({ sites: [site(900), undefined, site(100)], peers: 1, colleagues: () => [] }), 100)
    assert.equal(wanShare({ sites: [site(1)], peers: 1, colleagues: () => [id(1), id(2)] }), 1)
  })
})

describe('where an engine is', () => {
  const map = new SiteMap([
    { name: 'lyon', cidrs: ['10.1.0.0/16'], wanBytesPerSecond: 1_000 },
    { name: 'lab', cidrs: ['127.1.0.0/16'] },
    { name: 'vpn', cidrs: ['10.9.0.0/16'], peering: 'off' },
  ])
  const of = (own: string[], siteOf?: SiteMap['siteOf']): ((host: string) => boolean) => {
    const addresses = own.map((host) => ipAddress(host))
    const clock = new ManualClock()
    const place = new Whereabouts({ clock, ownAddresses: () => addresses, siteOf })
    const sources = new SourceMap(addresses)
    return (host) => place.isNear(ipAddress(host), sources)
  }
  const onMap = (host: ReturnType<typeof ipAddress>) => map.siteOf(host)

  it('is next to the machines of its site on the map', () => {
    const isNear = of(['127.0.0.1', '10.1.0.1', '172.17.0.1'], onMap)
    assert.deepEqual(['10.1.200.1', '10.2.0.1', '172.17.0.2'].map(isNear), [true, false, false])
  })

  it('is next to loopback addresses only where the map lists them', () => {
    assert.ok(!of(['127.0.0.1'], onMap)('127.0.0.2'))
    assert.ok(of(['127.1.0.1'], onMap)('127.1.0.2'))
    assert.ok(!of(['127.0.0.1'])('127.0.0.1'))
  })

  it('is next to nobody in a VPN or on the public internet', () => {
    assert.ok(!of(['10.9.0.1'], onMap)('10.9.0.2'))
    assert.ok(!of(['8.8.8.8'], onMap)('8.8.4.4'))
  })

  it('is next to its /24 as long as nobody has told it of a site', () => {
    const isNear = of(['192.168.7.1'])
    assert.deepEqual(['192.168.7.2', '192.168.8.2'].map(isNear), [true, false])
  })

  it('follows what a tracker tells', () => {
    const sources = new SourceMap([ipAddress('192.168.7.1')])
    const place = new Whereabouts({ clock: new ManualClock(), ownAddresses: () => [], siteOf: undefined })
    const near = (host: string): boolean => place.isNear(ipAddress(host), sources)
    sources.setSite({ name: 'lyon', cidrs: ['192.168.0.0/16'] })
    assert.deepEqual(['192.168.9.9', '10.0.0.1'].map(near), [true, false])
    sources.setSite({ name: 'lyon', cidrs: ['192.168.0.0/16'], peering: 'off' })
    assert.ok(!near('192.168.9.9'))
  })

  it('lives on the budget of the site that the map or the tracker names', () => {
    const clock = new ManualClock()
    let addresses = [ipAddress('10.1.0.1')]
    const place = new Whereabouts({ clock, ownAddresses: () => addresses, siteOf: onMap })
    const sources = new SourceMap([])
    const ownClients = () => [
      { id: id(1), address: ipAddress('10.1.0.2') },
      { id: id(2), address: ipAddress('10.7.0.2') },
    ]
    assert.equal(place.shareOfBudget([{ sources, ownClients }]), 500)
    addresses = [ipAddress('10.7.0.1')]
    clock.advance(seconds(10))
    assert.equal(place.shareOfBudget([{ sources, ownClients }]), undefined)
    sources.setSite({ name: 'oslo', cidrs: ['10.7.0.0/16'], wanBytesPerSecond: 800 })
    const told = new Whereabouts({ clock, ownAddresses: () => [], siteOf: undefined })
    assert.equal(told.shareOfBudget([{ sources, ownClients }]), 400)
    sources.setSite({ name: 'oslo', cidrs: ['10.7.0.0/16'], wanBytesPerSecond: 800 }, 8)
    assert.equal(told.shareOfBudget([{ sources, ownClients }]), 100)
  })
})
