/**
 * The sites file: `name CIDR[,CIDR...] [KEY=VALUE...]` a line, `*` for a name where no range is listed, `#` begins
 * a comment. People write it, so errors name the line.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import { canonicalCidr, type Site, SiteMap, type SitePolicy } from '../core/site.ts'
import { limits } from './limits.ts'
import { formatPolicy, parsePolicy } from './site-policy.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** The site of all public addresses that no line lists (`core/site.ts`). */
const RESERVED = 'internet'
/** The line that speaks of every address that no other line lists. */
const UNLISTED = '*'

/** @throws ShoalError `bad-input` with the number of the first line that is wrong; `over-limit`. */
export function parseSitesFile(text: string): SiteMap {
  if (text.length > limits.sitesFileBytesMax)
    throw new ShoalError('over-limit', `sites: longer than ${limits.sitesFileBytesMax} bytes`)
  const sites = new Map<string, Site>()
  const owners = new Map<string, string>()
  let unlisted: SitePolicy | undefined
  text.split('\n').forEach((line, i) => {
    try {
      const [name = '', ...words] = wordsOf(line)
      if (name === '') return
      if (sites.has(name) || (name === UNLISTED && unlisted !== undefined))
        throw new ShoalError('bad-input', `${name} is there twice`)
      if (name === UNLISTED) {
        unlisted = unlistedOf(words)
        return
      }
      const site = siteOf(name, words)
      claim(site, owners)
      sites.set(name, site)
    } catch (error) {
      throw new ShoalError('bad-input', `sites file, line ${i + 1}: ${messageOf(error)}`, { cause: error })
    }
  })
  return new SiteMap([...sites.values()], unlisted)
}

/** A line a site, ranges in canonical spelling; empty for no sites. */
export function formatSites(map: SiteMap): string {
  const unlisted = formatPolicy(map.unlisted)
  return (
    map.sites.map((site) => `${formatSite(site)}\n`).join('') +
    (unlisted === '' ? '' : `${UNLISTED}${unlisted}\n`)
  )
}

const formatSite = (site: Site): string => `${site.name} ${site.cidrs.join(',')}${formatPolicy(site)}`

function wordsOf(line: string): string[] {
  const [content = ''] = line.split('#', 1)
  return content
    .trim()
    .split(/[\s,]+/)
    .filter((word) => word !== '')
}

function siteOf(name: string, words: readonly string[]): Site {
  if (!NAME.test(name) || name === RESERVED)
    throw new ShoalError(
      'bad-input',
      `${JSON.stringify(name.slice(0, 64))} is no site name: letters, digits, ".", "_", "-", and not "${RESERVED}"`,
    )
  const firstSetting = words.findIndex((word) => word.includes('='))
  const end = firstSetting === -1 ? words.length : firstSetting
  const cidrs = words.slice(0, end).map(canonicalCidr)
  if (cidrs.length === 0)
    throw new ShoalError('bad-input', `${name} has no address range such as 10.4.0.0/16`)
  return { name, cidrs, ...parsePolicy(words.slice(end)) }
}

function unlistedOf(words: readonly string[]): SitePolicy {
  if (words.length === 0)
    throw new ShoalError(
      'bad-input',
      `${UNLISTED} is every range not listed: say what holds there, such as peering=off`,
    )
  return parsePolicy(words)
}

function claim(site: Site, owners: Map<string, string>): void {
  for (const cidr of site.cidrs) {
    const other = owners.get(cidr)
    if (other !== undefined) throw new ShoalError('bad-input', `${cidr} is in both ${other} and ${site.name}`)
    owners.set(cidr, site.name)
  }
}
