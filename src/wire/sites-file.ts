/** The sites file: `name CIDR[,CIDR...]` a line, `#` begins a comment. People write it, so errors name the line. */
import { messageOf, ShoalError } from '../core/errors.ts'
import { canonicalCidr, type Site, SiteMap } from '../core/site.ts'
import { limits } from './limits.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** The site of all public addresses that no line lists (`core/site.ts`). */
const RESERVED = 'internet'

/** @throws ShoalError `bad-input` with the number of the first line that is wrong; `over-limit`. */
export function parseSitesFile(text: string): SiteMap {
  if (text.length > limits.sitesFileBytesMax)
    throw new ShoalError('over-limit', `sites: longer than ${limits.sitesFileBytesMax} bytes`)
  const sites = new Map<string, Site>()
  const owners = new Map<string, string>()
  text.split('\n').forEach((line, i) => {
    try {
      const site = siteOfLine(line)
      if (site === undefined) return
      if (sites.has(site.name)) throw new ShoalError('bad-input', `${site.name} is there twice`)
      claim(site, owners)
      sites.set(site.name, site)
    } catch (error) {
      throw new ShoalError('bad-input', `sites file, line ${i + 1}: ${messageOf(error)}`, { cause: error })
    }
  })
  return new SiteMap([...sites.values()])
}

/** A line a site, ranges in canonical spelling; empty for no sites. */
export function formatSites(map: SiteMap): string {
  return map.sites.map((site) => `${site.name} ${site.cidrs.join(',')}\n`).join('')
}

function siteOfLine(line: string): Site | undefined {
  const [content = ''] = line.split('#', 1)
  const [name = '', ...rest] = content.trim().split(/[\s,]+/)
  if (name === '') return undefined
  if (!NAME.test(name) || name === RESERVED)
    throw new ShoalError(
      'bad-input',
      `${JSON.stringify(name.slice(0, 64))} is no site name: letters, digits, ".", "_", "-", and not "${RESERVED}"`,
    )
  const cidrs = rest.filter((part) => part !== '').map(canonicalCidr)
  if (cidrs.length === 0)
    throw new ShoalError('bad-input', `${name} has no address range such as 10.4.0.0/16`)
  return { name, cidrs }
}

function claim(site: Site, owners: Map<string, string>): void {
  for (const cidr of site.cidrs) {
    const other = owners.get(cidr)
    if (other !== undefined) throw new ShoalError('bad-input', `${cidr} is in both ${other} and ${site.name}`)
    owners.set(cidr, site.name)
  }
}
