/** The page of grants: who was given what until when, and taking it back. */
import type { Router } from 'express'
import { releaseName, slug } from '../../core/ids.ts'
import type { PageServices } from '../pages-host.ts'
import { pageRouter, sendForm, type FormOutcome } from './forms.ts'
import { momentText } from './view-model.ts'
import { asked, field, param, sentenceOf, type Visit } from './visit.ts'

const PAGE_ITEMS = 50

export function grantPages(services: PageServices): Router {
  const { router, on, onForm } = pageRouter(services)
  on('/grants', (visit) => sendGrants(visit))
  onForm('/grants/revoke', revoke)
  onForm('/bundles/:slug/releases/:name/recall', recall)
  return router
}

async function sendGrants(visit: Visit, more: FormOutcome = {}): Promise<void> {
  const { services, account, req } = visit
  const [user, cursor] = [asked(req, 'user').trim().slice(0, 64), asked(req, 'cursor')]
  const found = await services.grants(account, {
    limit: PAGE_ITEMS,
    ...(user !== '' && { forUser: user }),
    ...(cursor !== '' && { cursor }),
  })
  const next = new URLSearchParams({ ...(user !== '' && { user }), cursor: found.nextCursor ?? '' })
  const now = services.now()
  sendForm(visit, 'grants', {
    title: 'Grants',
    data: {
      seesAll: services.seesAllGrants(account),
      forUser: user, // the frame's "user" is who is signed in
      items: found.items.map((grant) => {
        const isOver = Date.parse(grant.expiresAt) <= now
        const isGood = grant.revokedAt === null && !isOver
        return {
          ...grant,
          url: `/bundles/${grant.bundle}`,
          issued: momentText(grant.issuedAt),
          state:
            grant.revokedAt !== null
              ? `revoked ${momentText(grant.revokedAt)}`
              : `${isOver ? 'ended' : 'until'} ${momentText(grant.expiresAt)}`,
          mayRevoke: isGood && services.mayRevoke(account, grant),
        }
      }),
      nextUrl: found.nextCursor === null ? undefined : `/grants?${next.toString()}`,
    },
    ...more,
  })
}

async function revoke(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const user = field(req, 'user')
  try {
    await services.revoke(account, field(req, 'id'))
  } catch (error) {
    await sendGrants(visit, { problem: sentenceOf(error, { mayBeAbsent: true }) })
    return
  }
  res.redirect(
    303,
    `/grants?${new URLSearchParams({ ...(user !== '' && { user }), said: 'taken' }).toString()}`,
  )
}

/** For ever: every grant of the release ends. */
async function recall({ services, account, req, res }: Visit): Promise<void> {
  const wish = { slug: slug(param(req, 'slug')), name: releaseName(param(req, 'name')) }
  const reason = field(req, 'reason').trim()
  await services.recall(account, { ...wish, ...(reason !== '' && { reason: reason.slice(0, 400) }) })
  res.redirect(303, `/bundles/${wish.slug}/releases/${wish.name}`)
}
