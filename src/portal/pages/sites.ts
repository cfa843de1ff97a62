/** The page of the site map: what is where, a field to try an address in, and the map's text for who may change it. */
import express, { type Router } from 'express'
import { isListed, type Site } from '../../core/site.ts'
import { formatPolicy } from '../../wire/site-policy.ts'
import { limits } from '../../wire/limits.ts'
import type { PageServices } from '../pages-host.ts'
import { sendForm, type FormOutcome } from './forms.ts'
import { asked, field, knownFirst, sentenceOf, visited, type Visit } from './visit.ts'

const readMap = express.urlencoded({ limit: limits.sitesFileBytesMax, extended: false })

export function sitesPages(services: PageServices): Router {
  const router = express.Router()
  router.get(
    '/sites',
    visited(services, (visit) => sendSites(visit)),
  )
  router.post('/sites', knownFirst(services), readMap, visited(services, setSites))
  return router
}

function sendSites(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const { sites, text } = services.sites.map(account)
  const data = {
    sites: sites.map((site) => ({ ...rowOf(site), cidrs: site.cidrs.join(', ') })),
    text: field(req, 'map') || text,
    maySet: services.sites.maySet(account),
    address: asked(req, 'address').slice(0, 64),
    ...found(visit),
  }
  sendForm(visit, 'sites', { title: 'Sites', data, ...more })
  return Promise.resolve()
}

const rowOf = (site: Site): { name: string; policy: string } => ({
  name: site.name,
  policy: formatPolicy(site).trim(),
})

/** In which site the address is that was asked for. */
function found({ services, account, req }: Visit): object {
  const address = asked(req, 'address').trim().slice(0, 64)
  if (address === '') return {}
  try {
    const site = services.sites.siteOf(account, address)
    const { name, policy } = rowOf(site)
    const how = isListed(site) ? '' : ', which no line of the map lists: it goes by its network'
    return { found: `${address} is in ${name}${policy === '' ? '' : ` (${policy})`}${how}` }
  } catch (error) {
    return { notFound: sentenceOf(error) }
  }
}

async function setSites(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  try {
    await services.sites.set(account, field(req, 'map').replaceAll('\r\n', '\n'))
  } catch (error) {
    await sendSites(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, '/sites?said=sites')
}
