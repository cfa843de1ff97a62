/** Pages on which something is published: drafts, one draft with its files and its review, the library to choose from. */
import express, { type Router } from 'express'
import { ShoalError } from '../../core/errors.ts'
import { KiB } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import type { PageServices } from '../pages-host.ts'
import { FORM_CHARS, pageRouter, sendForm, type FormOutcome } from './forms.ts'
import { draftPageOf, draftRowOf, isMending, libraryPageOf, momentIn } from './publish-view.ts'
import { asked, field, knownFirst, listIn, param, sentenceOf, visited, type Visit } from './visit.ts'

/** With a description and notes of the longest, each of whose characters may be four bytes of three characters. */
const readDraftForm = express.urlencoded({
  limit: FORM_CHARS * (limits.descriptionCharsMax + limits.notesCharsMax) + 64 * KiB,
  extended: false,
})

/** The path of a file. */
const readPathForm = express.urlencoded({
  limit: FORM_CHARS * limits.uploadPathCharsMax + KiB,
  extended: false,
})

export function publishPages(services: PageServices): Router {
  const { router, on, onForm } = pageRouter(services)
  on('/publish', (visit) => sendDrafts(visit))
  onForm('/publish', create)
  on('/publish/library', sendLibrary)
  on('/publish/:id', (visit) => sendDraft(visit))
  router.post('/publish/:id', knownFirst(services), readDraftForm, visited(services, save))
  onForm('/publish/:id/take-back', takeBack)
  for (const [path, act] of [
    ['/publish/:id/mend', 'mend'],
    ['/publish/:id/mend/stop', 'stopMending'],
  ] as const)
    router.post(
      path,
      readPathForm,
      visited(services, (visit) => mend(visit, act)),
    )
  onForm('/publish/:id/delete', remove)
  router.post('/publish/:id/remove', readPathForm, visited(services, removeFile))
  return router
}

function mustBePublisher({ services, account }: Visit): void {
  if (!services.publishing.mayPublish(account)) throw new ShoalError('not-found', 'no such page')
}

async function sendDrafts(visit: Visit, outcome: FormOutcome = {}): Promise<void> {
  mustBePublisher(visit)
  const { account, req } = visit
  const { publishing } = visit.services
  const cursor = asked(req, 'cursor')
  const page = await publishing.list(account, cursor === '' ? undefined : cursor)
  const drafts = await Promise.all(
    page.items.map(async (draft) => draftRowOf(draft, await publishing.publishedAs(draft))),
  )
  sendForm(visit, 'publish', {
    title: 'Publish',
    data: {
      drafts,
      isPossible: publishing.isPossible(),
      mayChoose: publishing.mayChoose(account),
      nextUrl:
        page.nextCursor === null ? undefined : `/publish?cursor=${encodeURIComponent(page.nextCursor)}`,
    },
    ...outcome,
  })
}

async function create(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const [bundle, libraryPath] = [field(req, 'bundle'), field(req, 'libraryPath')]
  try {
    const draft = await services.publishing.create(account, {
      ...(bundle !== '' && { bundle }),
      ...(libraryPath !== '' && { libraryPath }),
    })
    res.redirect(303, `/publish/${draft.id}`)
  } catch (error) {
    await sendDrafts(visit, { problem: sentenceOf(error) })
  }
}

async function sendLibrary(visit: Visit): Promise<void> {
  mustBePublisher(visit)
  const listing = await visit.services.publishing.library(visit.account, asked(visit.req, 'path'))
  sendForm(visit, 'publish-library', { title: 'Publish from the library', data: libraryPageOf(listing) })
}

/** `written`: what was in the form that was not taken, in place of what is kept. */
async function sendDraft(
  visit: Visit,
  outcome: FormOutcome & { readonly written?: object } = {},
): Promise<void> {
  const { services, account, req } = visit
  const { publishing } = services
  const id = param(req, 'id')
  const draft = await publishing.draft(account, id)
  const [files, publishedAs] = await Promise.all([
    publishing.files(account, id),
    publishing.publishedAs(draft),
  ])
  const isWhole = draft.state === 'draft' || draft.state === 'failed'
  const review =
    isWhole && (draft.libraryPath !== undefined || draft.fileCount > 0)
      ? await publishing
          .review(account, id)
          .catch((error: unknown) => sentenceOf(error, { mayBeAbsent: true }))
      : undefined
  const { written, ...more } = outcome
  const isUnderWay =
    draft.state === 'hashing' || draft.state === 'scheduled' || publishedAs?.state === 'uploading'
  sendForm(
    visit,
    'draft',
    {
      title: draft.title === '' ? 'New draft' : draft.title,
      data: draftPageOf({ draft, files, publishedAs, review, written }),
      ...more,
    },
    {
      refreshes: isUnderWay || isMending(files.items),
      ...(draft.libraryPath === undefined && !isUnderWay && { uploads: true }),
    },
  )
}

/** Saves what is in the form; its other button hands the draft in as well. */
async function save(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const id = param(req, 'id')
  const written = Object.fromEntries(FIELDS.map((name) => [name, field(req, name).replaceAll('\r\n', '\n')]))
  try {
    await services.publishing.change(account, id, {
      title: written['title'],
      description: written['description'],
      tags: listIn(field(req, 'tags')),
      audience: listIn(field(req, 'audience')),
      release: written['release']?.trim() === '' ? null : written['release']?.trim(),
      notes: written['notes'],
      rights: written['rights'],
      admit: written['admit'],
      ...(written['poster'] !== '' && { poster: Number(written['poster']) }),
      publishAt: momentIn(written['publishAt'] ?? ''),
      expiresAt: momentIn(written['expiresAt'] ?? ''),
    })
    if (field(req, 'then') === 'publish') await services.publishing.submit(account, id)
  } catch (error) {
    await sendDraft(visit, { problem: sentenceOf(error), written })
    return
  }
  res.redirect(303, `/publish/${id}${field(req, 'then') === 'publish' ? '' : '?said=saved'}`)
}

const FIELDS = [
  'title',
  'description',
  'tags',
  'audience',
  'release',
  'notes',
  'rights',
  'admit',
  'poster',
  'publishAt',
  'expiresAt',
]

async function takeBack(visit: Visit): Promise<void> {
  const id = param(visit.req, 'id')
  try {
    await visit.services.publishing.takeBack(visit.account, id)
  } catch (error) {
    await sendDraft(visit, { problem: sentenceOf(error) })
    return
  }
  visit.res.redirect(303, `/publish/${id}`)
}

async function mend(visit: Visit, act: 'mend' | 'stopMending'): Promise<void> {
  const { services, account, req, res } = visit
  const id = param(req, 'id')
  try {
    await services.publishing[act](account, id, field(req, 'path'))
  } catch (error) {
    await sendDraft(visit, { problem: sentenceOf(error) })
    return
  }
  res.redirect(303, `/publish/${id}`)
}

async function remove(visit: Visit): Promise<void> {
  try {
    await visit.services.publishing.remove(visit.account, param(visit.req, 'id'))
  } catch (error) {
    await sendDraft(visit, { problem: sentenceOf(error) })
    return
  }
  visit.res.redirect(303, '/publish?said=deleted')
}

async function removeFile(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const id = param(req, 'id')
  try {
    await services.publishing.removeFile(account, id, field(req, 'path'))
  } catch (error) {
    await sendDraft(visit, { problem: sentenceOf(error, { mayBeAbsent: true }) })
    return
  }
  res.redirect(303, `/publish/${id}#files`)
}
