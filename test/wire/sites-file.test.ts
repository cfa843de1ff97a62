import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import { canonicalCidr, SiteMap } from '../../src/core/site.ts'
import { limits } from '../../src/wire/limits.ts'
import { formatSites, parseSitesFile } from '../../src/wire/sites-file.ts'
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

  it('may be empty', () => {
    assert.deepEqual(parseSitesFile('').sites, [])
    assert.equal(formatSites(new SiteMap([])), '')
  })

  it('is read back as it was written', () => {
    const sites = fc
      .uniqueArray(
        fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/).filter((name) => name !== 'internet'),
        { maxLength: 20 },
      )
      .map(
        (names) =>
          new SiteMap(names.map((name, i) => ({ name, cidrs: [`10.${i}.0.0/16`, `fd00:${i + 1}::/32`] }))),
      )
    fc.assert(
      fc.property(sites, (map) => {
        assert.deepEqual(parseSitesFile(formatSites(map)).sites, map.sites)
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
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (parts) => {
        const decode = (text: string): SiteMap['sites'] => parseSitesFile(text).sites
        readsStablyOrRefuses(parts.join(''), decode, (sites) => formatSites(new SiteMap(sites)))
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
  ]
  for (const [text, message] of wrong)
    it(`is refused with the line when it says ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseSitesFile(text), { code: 'bad-input', message })
    })

  it('is refused when it is longer than its bound', () => {
    assert.throws(() => parseSitesFile('#'.repeat(limits.sitesFileBytesMax + 1)), { code: 'over-limit' })
  })
})
