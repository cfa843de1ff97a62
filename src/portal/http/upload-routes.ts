/**
 * Resumable uploads (tus 1.0.0, by its own server) of files that a draft has been told of. `POST` with the metadata `draft` and
 * `path` begins one; `HEAD` tells how far it is; `PATCH` goes on. What is whole is put to its place before the last answer.
 */
import type { IncomingMessage } from 'node:http'
import { FileStore } from '@tus/file-store'
import { Server, type ServerOptions } from '@tus/server'
import { Router, type Request, type Response } from 'express'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { allowLongBody } from '../../platform/body-time.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import { readDraft, UPLOADS } from '../publishing/draft-access.ts'
import { isEditable, type StoredDraft } from '../publishing/draft-rows.ts'
import type { Services } from '../services.ts'
import type { Attempts } from './attempts.ts'
import { askerOf } from './authenticate.ts'
import { problemOf } from './problems.ts'

type TusRequest = Parameters<NonNullable<ServerOptions['onIncomingRequest']>>[0]
type TusUpload = Parameters<NonNullable<ServerOptions['onUploadCreate']>>[1]

const UPLOAD_ID = /^[0-9a-f]{32}$/
const zMetadata = z.object({ draft: z.string().max(64), path: z.string().max(limits.uploadPathCharsMax) })
const zTusError = z.object({ status_code: z.number().int().min(400).max(599), body: z.string() })
const NOT_WRITTEN =
  'the server could not write it down: its disk may be full. What has come is kept; go on later\n'

export function uploadRoutes(services: Services, attempts: Attempts): Router {
  const tus = new Server({
    path: UPLOADS,
    datastore: new FileStore({ directory: services.publishing.folder.incoming }),
    relativeLocation: true,
    allowedOrigins: [services.publicUrl],
    onUploadCreate: async (req, upload) => {
      await begin(services, await accountOf(req), upload)
      return {}
    },
    onIncomingRequest: async (req, id) => {
      if (req.method !== 'POST') await mustBeTheirs(services, await accountOf(req), id)
      if (req.method !== 'PATCH') return
      const { request, response } = exchangeOf(req)
      await services.publishing.mustHaveSpace(Number(request.get('content-length') ?? 0))
      allowLongBody(request, response, limits.uploadSilenceMax)
    },
    onUploadFinish: async (req, upload) => {
      // asked anew: it may have taken hours
      const { draft } = await mustBeTheirs(services, await accountOf(req), upload.id)
      await services.publishing.finishUpload(draft.id, upload.id)
      return {}
    },
    onResponseError: (_req, error) => saidOf(error),
  })
  const exchanges = new WeakMap<IncomingMessage, Exchange>()
  const exchangeOf = (req: TusRequest): Exchange => {
    const found = req.runtime?.node?.req && exchanges.get(req.runtime.node.req as IncomingMessage)
    if (found === undefined) throw new Error('an upload without a request')
    return found
  }
  const accountOf = async (req: TusRequest): Promise<Account> =>
    (await askerOf(services, attempts, exchangeOf(req).request)).account
  const router = Router({ caseSensitive: true })
  router.all([UPLOADS, `${UPLOADS}/:id`], async (request, response) => {
    await askerOf(services, attempts, request)
    const { id } = request.params
    if (request.method === 'POST' && id === undefined) mustHaveNoBody(request)
    else if (!(METHODS.has(request.method) && UPLOAD_ID.test(String(id))))
      throw new ShoalError('not-found', 'no such upload')
    exchanges.set(request, { request, response })
    await tus.handle(request, response)
  })
  return router
}

interface Exchange {
  readonly request: Request
  readonly response: Response
}

const METHODS: ReadonlySet<string> = new Set(['HEAD', 'PATCH'])

/** An upload begins empty: what comes with its making would be there before it is known whether it is wanted. */
function mustHaveNoBody(request: Request): void {
  if (request.get('transfer-encoding') !== undefined || (request.get('content-length') ?? '0') !== '0')
    throw new ShoalError('bad-input', 'an upload is made without a body: its bytes come by PATCH')
  if (!/^\d{1,16}$/.test(request.get('upload-length') ?? ''))
    throw new ShoalError('bad-input', 'the Upload-Length of an upload is its size in bytes')
}

async function begin(services: Services, account: Account, upload: TusUpload): Promise<void> {
  const named = zMetadata.safeParse(upload.metadata)
  if (!named.success)
    throw new ShoalError('bad-input', 'an upload says in its metadata which "path" of which "draft" it is')
  const { id: draftId } = await readDraft(services, account, named.data.draft)
  await services.publishing.beginUpload({ draftId, path: named.data.path, sizeBytes: upload.size }, upload.id)
}

async function mustBeTheirs(
  services: Services,
  account: Account,
  uploadId: string,
): Promise<{ draft: StoredDraft }> {
  const found = await services.publishing.files.ofUpload(uploadId)
  if (found === undefined) throw new ShoalError('not-found', 'no such upload')
  await readDraft(services, account, found.draft.id)
  if (!isEditable(found.draft))
    throw new ShoalError('conflict', 'this has been handed in: take it back first')
  return found
}

/** The library's own refusals keep their status, which clients go by; ours are as everywhere. */
function saidOf(error: unknown): { status_code: number; body: string } {
  const own = zTusError.safeParse(error)
  if (own.success) return own.data.status_code === 500 ? { status_code: 503, body: NOT_WRITTEN } : own.data
  const { status, detail, title } = problemOf(error)
  return { status_code: status, body: `${detail ?? title}\n` }
}
