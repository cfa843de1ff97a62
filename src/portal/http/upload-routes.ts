/**
 * Resumable uploads (tus 1.0.0, by its own server) of files that a draft has been told of. `POST` with the metadata `draft` and
 * `path` begins one; `HEAD` tells how far it is; `PATCH` goes on. What is whole is put to its place before the last answer.
 */
import type { IncomingMessage } from 'node:http'
import { FileStore } from '@tus/file-store'
import { Server, type ServerOptions } from '@tus/server'
import { Router } from 'express'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { allowLongBody } from '../../platform/body-time.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import { readDraft, UPLOADS } from '../publishing/draft-access.ts'
import { isEditable } from '../publishing/draft-rows.ts'
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
  const accounts = new WeakMap<IncomingMessage, Account>()
  const accountOf = (req: TusRequest): Account => {
    const account = req.runtime?.node?.req && accounts.get(req.runtime.node.req as IncomingMessage)
    if (account === undefined) throw new Error('an upload without an account')
    return account
  }
  const tus = new Server({
    path: UPLOADS,
    datastore: new FileStore({ directory: services.publishing.folder.incoming }),
    relativeLocation: true,
    allowedOrigins: [services.publicUrl],
    onUploadCreate: async (req, upload) => {
      await begin(services, accountOf(req), upload)
      return {}
    },
    onIncomingRequest: async (req, id) => {
      if (req.method !== 'POST') await mustBeTheirs(services, accountOf(req), id)
    },
    onUploadFinish: async (_req, upload) => {
      await finish(services, upload.id)
      return {}
    },
    onResponseError: (_req, error) => saidOf(error),
  })
  const router = Router({ caseSensitive: true })
  router.all([UPLOADS, `${UPLOADS}/:id`], async (req, res) => {
    const { account } = await askerOf(services, attempts, req)
    if (
      !(req.method === 'POST'
        ? req.params['id'] === undefined
        : METHODS.has(req.method) && UPLOAD_ID.test(String(req.params['id'])))
    )
      throw new ShoalError('not-found', 'no such upload')
    accounts.set(req, account)
    allowLongBody(req, res, limits.uploadSilenceMax)
    await tus.handle(req, res)
  })
  return router
}

const METHODS: ReadonlySet<string> = new Set(['HEAD', 'PATCH'])

async function begin(services: Services, account: Account, upload: TusUpload): Promise<void> {
  const named = zMetadata.safeParse(upload.metadata)
  if (!named.success)
    throw new ShoalError('bad-input', 'an upload says in its metadata which "path" of which "draft" it is')
  const draft = await readDraft(services, account, named.data.draft)
  if (!isEditable(draft)) throw new ShoalError('conflict', 'this has been handed in: take it back first')
  const { publishing } = services
  const file = await publishing.files.find(draft.id, named.data.path)
  if (file === undefined || file.size_bytes !== upload.size)
    throw new ShoalError('conflict', 'the draft was not told of such a file: tell it first')
  if (file.is_there === 1) throw new ShoalError('conflict', 'this file is there already')
  if (file.upload_id !== null) await publishing.folder.forgetUpload(file.upload_id)
  await publishing.files.begin(file, upload.id)
}

async function mustBeTheirs(services: Services, account: Account, uploadId: string): Promise<void> {
  const found = await services.publishing.files.ofUpload(uploadId)
  if (found === undefined) throw new ShoalError('not-found', 'no such upload')
  await readDraft(services, account, found.draft.id)
  if (!isEditable(found.draft))
    throw new ShoalError('conflict', 'this has been handed in: take it back first')
}

async function finish({ publishing }: Services, uploadId: string): Promise<void> {
  const found = await publishing.files.ofUpload(uploadId)
  if (found === undefined) {
    await publishing.folder.forgetUpload(uploadId)
    throw new ShoalError('not-found', 'this file is not wanted any more')
  }
  await publishing.arrived(found.draft, found.file, uploadId)
}

/** The library's own refusals keep their status, which clients go by; ours are as everywhere. */
function saidOf(error: unknown): { status_code: number; body: string } {
  const own = zTusError.safeParse(error)
  if (own.success) return own.data.status_code === 500 ? { status_code: 503, body: NOT_WRITTEN } : own.data
  const { status, detail, title } = problemOf(error)
  return { status_code: status, body: `${detail ?? title}\n` }
}
