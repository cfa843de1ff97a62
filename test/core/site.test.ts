import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import {
  canonicalCidr,
  defaultSite,
  isOneNetwork,
  mayCross,
  mayPeer,
  policyOf,
  SiteMap,
} from '../../src/core/site.ts'

const siteOf = (map: SiteMap, host: string): string => map.siteOf(ipAddress(host)).name

describe('a site map', () => {
  const map = new SiteMap([
    { name: 'lyon', cidrs: ['10.4.0.0/16', '2001:db8:4::/48'] },
    { name: 'lyon-lab', cidrs: ['10.4.7.0/25'] },
    { name: 'office', cidrs: ['203.0.113.64/27'] },
  ])

  it('finds the site by the range that holds the address', () => {
    assert.equal(siteOf(map, '10.4.200.1'), 'lyon')
    assert.equal(siteOf(map, '2001:db8:4:9::1'), 'lyon')
    assert.equal(siteOf(map, '203.0.113.95'), 'office')
  })

  it('prefers the longest prefix, to the bit', () => {
    assert.equal(siteOf(map, '10.4.7.127'), 'lyon-lab')
    assert.equal(siteOf(map, '10.4.7.128'), 'lyon')
  })

  it('takes an IPv4-mapped address for the IPv4 one', () => {
    assert.equal(siteOf(map, '::ffff:10.4.7.1'), 'lyon-lab')
  })

  it('falls back to the default site outside its ranges', () => {
    assert.equal(siteOf(map, '10.5.0.1'), '10.5.0.0/24')
    assert.equal(siteOf(map, '203.0.112.1'), defaultSite(ipAddress('203.0.112.1')).name)
  })

  it('holds everything under /0 and one address under /32', () => {
    const extremes = new SiteMap([
      { name: 'all', cidrs: ['0.0.0.0/0'] },
      { name: 'one', cidrs: ['9.9.9.9/32'] },
    ])
    assert.equal(siteOf(extremes, '9.9.9.9'), 'one')
    assert.equal(siteOf(extremes, '9.9.9.8'), 'all')
  })

  it('refuses a range that two sites claim, however it is written', () => {
    const twice = [
      { name: 'a', cidrs: ['10.0.0.0/8'] },
      { name: 'b', cidrs: ['10.1.2.3/8'] },
    ]
    assert.throws(() => new SiteMap(twice), {
      code: 'bad-input',
      message: /10\.0\.0\.0\/8 is in both a and b/,
    })
  })

  it('gives every address the policy of its site, and those not listed that of the unlisted', () => {
    const policed = new SiteMap(
      [
        { name: 'vpn', cidrs: ['10.99.0.0/16'], peering: 'off' },
        { name: 'oslo', cidrs: ['10.7.0.0/16'], wanBytesPerSecond: 0, peering: undefined },
      ],
      { peering: 'off' },
    )
    const policy = (host: string) => policyOf(policed.siteOf(ipAddress(host)))
    assert.deepEqual(policy('10.99.1.1'), { peering: 'off' })
    assert.deepEqual(policy('10.7.1.1'), { wanBytesPerSecond: 0 })
    assert.deepEqual(policy('10.8.1.1'), { peering: 'off' })
    assert.deepEqual(policed.siteOf(ipAddress('10.8.1.1')).name, '10.8.1.0/24')
    assert.deepEqual(map.siteOf(ipAddress('10.5.0.1')), defaultSite(ipAddress('10.5.0.1')))
  })

  it('knows whether any site may not be introduced to the others', () => {
    const open = { name: 'a', cidrs: ['10.0.0.0/8'], wanBytesPerSecond: 1 }
    assert.equal(new SiteMap([open]).hasClosedSites, false)
    assert.equal(new SiteMap([{ ...open, wanBytesPerSecond: 0 }]).hasClosedSites, true)
    assert.equal(new SiteMap([open], { peering: 'off' }).hasClosedSites, true)
    assert.deepEqual([{}, { wanBytesPerSecond: 0 }, { peering: 'off' as const }].map(mayPeer), [
      true,
      true,
      false,
    ])
    assert.deepEqual([{}, { wanBytesPerSecond: 0 }, { peering: 'off' as const }].map(mayCross), [
      true,
      false,
      false,
    ])
  })

  it('keeps its ranges in canonical spelling', () => {
    assert.deepEqual(new SiteMap([{ name: 'a', cidrs: ['10.1.2.3/8'] }]).sites, [
      { name: 'a', cidrs: ['10.0.0.0/8'] },
    ])
  })
})

describe('the default site', () => {
  it('is a /24 of private IPv4 addresses', () => {
    assert.deepEqual(defaultSite(ipAddress('192.168.7.9')), {
      name: '192.168.7.0/24',
      cidrs: ['192.168.7.0/24'],
    })
    assert.equal(defaultSite(ipAddress('127.0.5.1')).name, '127.0.5.0/24')
  })

  it('is a /64 of private IPv6 addresses', () => {
    assert.equal(defaultSite(ipAddress('fd00:1:2:3:4::5')).cidrs.length, 1)
    assert.equal(defaultSite(ipAddress('fd00:1:2:3:4::5')).name, defaultSite(ipAddress('fd00:1:2:3::9')).name)
    assert.notEqual(
      defaultSite(ipAddress('fd00:1:2:3::1')).name,
      defaultSite(ipAddress('fd00:1:2:4::1')).name,
    )
  })

  it('is one for all public addresses', () => {
    assert.equal(defaultSite(ipAddress('8.8.8.8')).name, 'internet')
    assert.equal(defaultSite(ipAddress('2600::1')).name, 'internet')
  })
})

describe('an address range', () => {
  it('has one spelling', () => {
    assert.equal(canonicalCidr('10.4.7.9/16'), '10.4.0.0/16')
    assert.equal(canonicalCidr('10.4.7.9/32'), '10.4.7.9/32')
    assert.equal(canonicalCidr('2001:DB8:0:0::1/32'), canonicalCidr('2001:db8::/32'))
  })

  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/-1',
    'lyon/8',
    '10.0.0.0/8 ',
    '/8',
  ]) {
    it(`is refused when written ${JSON.stringify(text)}`, () => {
      assert.throws(() => canonicalCidr(text), ShoalError)
    })
  }
})

describe('a site that is one network', () => {
  const map = new SiteMap([
    { name: 'lyon', cidrs: ['10.4.0.0/16'] },
    { name: 'lab', cidrs: ['127.1.0.0/16'] },
    { name: 'vpn', cidrs: ['10.99.0.0/16'], peering: 'off' },
  ])
  const isOne = (host: string): boolean => isOneNetwork(map.siteOf(ipAddress(host)))

  it('is one that the map lists, unless it is a VPN', () => {
    assert.deepEqual(['10.4.7.9', '127.1.2.3', '10.99.0.1'].map(isOne), [true, true, false])
  })

  it('is a private range that nobody lists, but neither the public internet nor loopback', () => {
    assert.deepEqual(['192.168.3.4', 'fd00::1', '8.8.8.8', '127.0.0.1', '::1'].map(isOne), [
      ...[true, true],
      ...[false, false, false],
    ])
  })
})
