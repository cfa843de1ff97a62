/** The page of the audit trail: who did what, filtered in the address, and the same as CSV. */
import type { Router } from 'express'
import { z } from 'zod'
import type { PageServices } from '../pages-host.ts'
import { pageRouter, sendForm } from './forms.ts'
import { momentText } from './view-model.ts'
import { asked, type Visit } from './visit.ts'

const PAGE_ITEMS = 100
const zDay = z.iso.date()
const FIELDS = ['actor', 'action', 'subject', 'from', 'to'] as const

export function auditPages(services: PageServices): Router {
  const { router, on } = pageRouter(services)
  on('/audit', sendAudit)
  return router
}

async function sendAudit(visit: Visit): Promise<void> {
  const { services, account, req } = visit
  const given = Object.fromEntries(FIELDS.map((name) => [name, asked(req, name).trim().slice(0, 400)]))
  const filter = filterOf(given)
  const cursor = asked(req, 'cursor')
  const found = await services.audit(account, {
    filter,
    limit: PAGE_ITEMS,
    ...(cursor !== '' && { cursor }),
  })
  const chosen = Object.entries(given).filter(([, value]) => value !== '')
  const next = new URLSearchParams([...chosen, ['cursor', found.nextCursor ?? '']])
  sendForm(visit, 'audit', {
    title: 'Audit',
    data: {
      ...given,
      actions: found.actions,
      items: found.items.map((row) => ({ ...row, moment: momentText(row.at) })),
      nextUrl: found.nextCursor === null ? undefined : `/audit?${next.toString()}`,
      csvUrl: `/api/v1/audit.csv?${new URLSearchParams(filter).toString()}`,
      isFiltered: chosen.length > 0,
    },
  })
}

/** Days as they are in UTC, the last one included; what is no day is as if it were not given. */
function filterOf(given: Readonly<Record<string, string>>): Record<string, string> {
  const filter: Record<string, string> = {}
  for (const name of ['actor', 'action', 'subject'] as const) {
    const value = given[name]
    if (value !== undefined && value !== '') filter[name] = value
  }
  const [from, to] = [zDay.safeParse(given['from']), zDay.safeParse(given['to'])]
  if (from.success) filter['from'] = `${from.data}T00:00:00Z`
  if (to.success) filter['to'] = new Date(Date.parse(to.data) + 24 * 3_600_000).toISOString()
  return filter
}
