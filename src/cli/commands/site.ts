import { ipAddress } from '../../core/address.ts'
import { SiteMap } from '../../core/site.ts'
import { readFileBounded } from '../../platform/files.ts'
import { limits } from '../../wire/limits.ts'
import { parseSitesFile } from '../../wire/sites-file.ts'
import type { Context } from '../context.ts'

/** The site map of a file. @throws ShoalError that names the line. */
export async function readSites(file: string): Promise<SiteMap> {
  return parseSitesFile(Buffer.from(await readFileBounded(file, limits.sitesFileBytesMax)).toString('utf8'))
}

/** `shoal site list`. */
export async function listSites(context: Context): Promise<void> {
  const { items } = await (await context.client()).sites()
  for (const site of items) {
    context.output.event({ event: 'site', site: site.name, cidrs: site.cidrs })
    context.output.line(`${site.name} ${site.cidrs.join(',')}`)
  }
  if (items.length === 0)
    context.output.note('No sites are listed: every private /24 or /64 is a site of its own.')
}

/** `shoal site set FILE`. */
export async function setSites(context: Context, file: string): Promise<void> {
  const { sites } = await readSites(file)
  await (
    await context.client()
  ).setSites({ items: sites.map((s) => ({ name: s.name, cidrs: [...s.cidrs] })) })
  context.output.event({ event: 'sites-set', sites: sites.length })
  context.output.line(`${sites.length} sites are set`)
}

/** `shoal site of ADDRESS`. */
export async function siteOf(context: Context, text: string): Promise<void> {
  const address = ipAddress(text)
  const { items } = await (await context.client()).sites()
  const site = new SiteMap(items).siteOf(address)
  context.output.event({ event: 'site', address, site: site.name, cidrs: site.cidrs })
  context.output.line(`${address} is in ${site.name}`)
}
