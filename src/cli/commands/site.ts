import { ipAddress } from '../../core/address.ts'
import { type Site, SiteMap, type SitePolicy } from '../../core/site.ts'
import { readFileBounded } from '../../platform/files.ts'
import { limits } from '../../wire/limits.ts'
import { formatSites, parseSitesFile } from '../../wire/sites-file.ts'
import { formatPolicy } from '../../wire/site-policy.ts'
import type { Context } from '../context.ts'

/** The site map of a file. @throws ShoalError that names the line. */
export async function readSites(file: string): Promise<SiteMap> {
  return parseSitesFile(Buffer.from(await readFileBounded(file, limits.sitesFileBytesMax)).toString('utf8'))
}

/** `shoal site list`. */
export async function listSites(context: Context): Promise<void> {
  const map = await askMap(context)
  for (const site of map.sites) context.output.event({ event: 'site', ...eventOf(site) })
  if (formatPolicy(map.unlisted) !== '') context.output.event({ event: 'unlisted', ...map.unlisted })
  for (const line of formatSites(map).split('\n').slice(0, -1)) context.output.line(line)
  if (map.sites.length === 0)
    context.output.note('No sites are listed: every private /24 or /64 is a site of its own.')
}

/** `shoal site set FILE`. */
export async function setSites(context: Context, file: string): Promise<void> {
  const { sites, unlisted } = await readSites(file)
  await (
    await context.client()
  ).setSites({ items: sites.map((site) => ({ ...site, cidrs: [...site.cidrs] })), unlisted })
  context.output.event({ event: 'sites-set', sites: sites.length })
  context.output.line(`${sites.length} sites are set`)
}

/** `shoal site of ADDRESS`. */
export async function siteOf(context: Context, text: string): Promise<void> {
  const address = ipAddress(text)
  const site = (await askMap(context)).siteOf(address)
  context.output.event({ event: 'site', address, ...eventOf(site) })
  context.output.line(`${address} is in ${site.name}${formatPolicy(site)}`)
}

async function askMap(context: Context): Promise<SiteMap> {
  const { items, unlisted } = await (await context.client()).sites()
  return new SiteMap(items, unlisted)
}

const eventOf = ({ name, ...rest }: Site): { site: string; cidrs: readonly string[] } & SitePolicy => ({
  site: name,
  ...rest,
})
