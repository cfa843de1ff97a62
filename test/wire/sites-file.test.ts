import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import { canonicalCidr, SiteMap, type SitePolicy } from '../../src/core/site.ts'
import { limits } from '../../src/wire/limits.ts'
import { formatSites, parseSitesFile } from '../../src/wire/sites-file.ts'
import { hostileInputs } from '../support/corpus.ts'
import { readsStablyOrRefuses } from './fuzz.ts'

describe('a sites file', () => {
  it('is a name and its ranges a line, with comments', () => {
    const map = parseSitesFile(
      '# offices\n\nlyon 10.4.0.0/16,2001:db8:4::/48  # the big one\r\n  kyoto\t10.5.0.0/16, 10.6.1.2/24\n#x 1.2.3.4/8\n',
    )
    assert.deepEqual(map.sites, [
      { name: 'lyon', cidrs: ['10.4.0.0/16', canonicalCidr('2001:db8:4::/48')] },
      { name: 'kyoto', cidrs: ['10.5.0.0/16', '10.6.1.0/24'] },
    ])
    assert.equal(map.siteOf(ipAddress('10.6.1.200')).name, 'kyoto')
  })

  it('says after the ranges what is special about a site, and after * what holds for ranges not listed', () => {
    const map = parseSitesFile(
      'vpn 10.99.0.0/16 peering=off\noslo 10.7.0.0/16, 10.8.0.0/16 wan=20Mbit peering=on # thin\n' +
        'cabin 10.9.0.0/16 wan=0\n* wan=2.5MB/s peering=off\n',
    )
    assert.deepEqual(map.sites, [
      { name: 'vpn', cidrs: ['10.99.0.0/16'], peering: 'off' },
      { name: 'oslo', cidrs: ['10.7.0.0/16', '10.8.0.0/16'], wanBytesPerSecond: 2_500_000 },
      { name: 'cabin', cidrs: ['10.9.0.0/16'], wanBytesPerSecond: 0 },
    ])
    assert.deepEqual(map.unlisted, { peering: 'off', wanBytesPerSecond: 2_500_000 })
    assert.equal(
      formatSites(map),
      'vpn 10.99.0.0/16 peering=off\noslo 10.7.0.0/16,10.8.0.0/16 wan=20Mbit\ncabin 10.9.0.0/16 wan=0\n' +
        '* peering=off wan=20Mbit\n',
    )
  })

  it('may be empty', () => {
    assert.deepEqual(parseSitesFile('').sites, [])
    assert.equal(formatSites(new SiteMap([])), '')
  })

  it('is read back as it was written', () => {
    const policies: fc.Arbitrary<SitePolicy> = fc
      .tuple(
        fc.constantFrom(undefined, 'off' as const),
        fc.option(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: limits.siteWanBytesPerSecondMax })), {
          nil: undefined,
        }),
      )
      .map(([peering, wanBytesPerSecond]) => ({ peering, wanBytesPerSecond }))
    const sites = fc
      .tuple(
        fc.uniqueArray(
          fc
            .tuple(
              fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/).filter((name) => name !== 'internet'),
              policies,
            )
            .map(([name, policy]) => ({ name, policy })),
          { maxLength: 20, selector: ({ name }) => name },
        ),
        policies,
      )
      .map(([named, unlisted]) => {
        const cidrs = (i: number): string[] => [`10.${i}.0.0/16`, `fd00:${i + 1}::/32`]
        return new SiteMap(
          named.map(({ name, policy }, i) => ({ name, cidrs: cidrs(i), ...policy })),
          unlisted,
        )
      })
    fc.assert(
      fc.property(sites, (map) => {
        const { sites: read, unlisted } = parseSitesFile(formatSites(map))
        assert.deepEqual(read, map.sites)
        assert.deepEqual(unlisted, map.unlisted)
      }),
    )
  })

  it('is refused, or read as what it can be written as again, when it is noise', () => {
    const words = fc.constantFrom(
      'lyon',
      'kyoto',
      ' ',
      ',',
      '\n',
      '#',
      '10.0.0.0/8',
      '10.1.2.3/16',
      '::/0',
      '/',
      'é',
      '\0',
      '*',
      '=',
      'peering=off',
      'peering=on',
      'wan=20Mbit',
      'wan=0',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
        const decode = (text: string): Pick<SiteMap, 'sites' | 'unlisted'> => {
          const { sites, unlisted } = parseSitesFile(text)
          return { sites, unlisted }
        }
        readsStablyOrRefuses(parts.join(''), decode, ({ sites, unlisted }) =>
          formatSites(new SiteMap(sites, unlisted)),
        )
      }),
      { numRuns: 500 },
    )
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['lyon 10.4.0.0/16\nkyoto', /line 2: kyoto has no address range/],
    ['lyon 10.4.0.0/33', /line 1: .*no address range/],
    ['# x\nlyon 10.4.0.0', /line 2: /],
    ['lyon 10.4.0.0/16\nlyon 10.5.0.0/16', /line 2: lyon is there twice/],
    ['lyon 10.4.0.0/16\nkyoto 10.4.9.9/16', /line 2: 10\.4\.0\.0\/16 is in both lyon and kyoto/],
    ['lyon 10.4.0.0/16,10.4.0.0/16', /line 1: 10\.4\.0\.0\/16 is in both lyon and lyon/],
    ['internet 10.0.0.0/8', /line 1: "internet" is no site name/],
    ['<b> 10.0.0.0/8', /line 1: "<b>" is no site name/],
    ['__proto__ 10.0.0.0/8', /line 1: /],
    [
      'lyon 10.4.0.0/16\nvpn 10.5.0.0/16 peer=off',
      /line 2: "peer=off" is no setting of a site: peering=, wan=/,
    ],
    ['lyon 10.4.0.0/16 toString=1', /line 1: "toString=1" is no setting of a site/],
    ['lyon 10.4.0.0/16 peering=off 10.5.0.0/16', /line 1: "10\.5\.0\.0\/16" is no setting of a site/],
    ['lyon 10.4.0.0/16 peering=maybe', /line 1: peering is "on" or "off"/],
    ['lyon 10.4.0.0/16 peering=off=on', /line 1: peering is "on" or "off"/],
    ['lyon 10.4.0.0/16 peering=on peering=off', /line 1: peering= is there twice/],
    ['lyon peering=off', /line 1: lyon has no address range/],
    ['lyon 10.4.0.0/16 wan=', /line 1: wan is a rate such as 20Mbit/],
    ['lyon 10.4.0.0/16 wan=20M', /line 1: wan is a rate such as 20Mbit or 2\.5MB, or 0/],
    ['lyon 10.4.0.0/16 wan=-1Mbit', /line 1: .* is no /],
    ['lyon 10.4.0.0/16 wan=0Mbit', /line 1: .* is no rate/],
    ['lyon 10.4.0.0/16 wan=999999999Gbit', /line 1: wan is at most 1000000000000 bytes a second/],
    ['*', /line 1: \* is every range not listed: say what holds there/],
    ['* 10.0.0.0/8', /line 1: "10\.0\.0\.0\/8" is no setting of a site/],
    ['* peering=off\n* wan=0', /line 2: \* is there twice/],
    ['* peering=on\n* peering=on', /line 2: \* is there twice/],
  ]
  for (const [text, message] of wrong)
    it(`is refused with the line when it says ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSitesFile(text), { code: 'bad-input', message })
    })

  it('is refused when it is longer than its bound', () => {
    assert.throws(() => parseSitesFile('#'.repeat(limits.sitesFileBytesMax + 1)), { code: 'over-limit' })
  })

  it('is refused or read as each hostile input of the corpus must be', () => {
    for (const { name, text, mustBeRead } of hostileInputs('sites-file'))
      if (mustBeRead) assert.doesNotThrow(() => parseSitesFile(text), name)
      else assert.throws(() => parseSitesFile(text), { code: 'bad-input' }, name)
  })
})
