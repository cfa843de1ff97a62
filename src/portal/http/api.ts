/** The REST API: the table of routes on an Express router. Everything needs an account but the description and what is open by its table. */
import { pipeline } from 'node:stream/promises'
import express, { Router, type Request, type RequestHandler, type Response } from 'express'
import { tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import { limits } from '../../wire/limits.ts'
import type { Services } from '../services.ts'
import { addressOf, askerByCodeOr, askerByGrantOr, askerOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { openApiDocument } from './openapi.ts'
import { problemOf } from './problems.ts'
import type { ApiRoute, BytesTaken, OpenCall, Reply } from './route.ts'
import { adminRoutes } from './routes-admin.ts'
import { deviceRoutes } from './routes-devices.ts'
import { catalogueRoutes } from './routes-catalogue.ts'
import { draftRoutes } from './routes-drafts.ts'
import { figureRoutes } from './routes-figures.ts'
import { grantRoutes } from './routes-grants.ts'
import { keyRoutes } from './routes-keys.ts'
import { learningRoutes } from './routes-learning.ts'
import { loginRoutes } from './routes-login.ts'
import { mediaRoutes } from './routes-media.ts'
import { peopleRoutes } from './routes-people.ts'
import { requestRoutes } from './routes-requests.ts'
import { serviceRoutes } from './routes-service.ts'
import { watchApiRoutes } from './routes-watch.ts'

export const apiRoutes: readonly ApiRoute[] = [
  ...catalogueRoutes,
  ...mediaRoutes,
  ...grantRoutes,
  ...keyRoutes,
  ...deviceRoutes,
  ...serviceRoutes,
  ...watchApiRoutes,
  ...figureRoutes,
  ...learningRoutes,
  ...adminRoutes,
  ...peopleRoutes,
  ...loginRoutes,
  ...requestRoutes,
  ...draftRoutes,
]

/** A week: what is under an address of its own never changes. */
const KEPT_SECONDS = 7 * 24 * 3_600

/** Bodies are read after it is known who asks: a stranger makes us hold nothing. */
const readJson: RequestHandler = express.json({ limit: limits.apiBodyBytesMax })
const readBytes = ({ type, bytesMax }: BytesTaken): RequestHandler => express.raw({ type, limit: bytesMax })

export function apiRouter(services: Services, attempts: Attempts): Router {
  const router = Router({ caseSensitive: true })
  const description = JSON.stringify(openApiDocument(apiRoutes, services.publicUrl))
  router.get('/openapi.json', (_req, res) => {
    res.type('json').send(description)
  })
  for (const one of apiRoutes) {
    const path = one.path.replaceAll(/\{(\w+)\}/g, ':$1')
    router[one.method](path, answer(services, attempts, one))
  }
  router.use(async (req) => {
    await askerOf(services, attempts, req)
    throw new ShoalError('not-found', 'no such address')
  })
  return router
}

function answer(services: Services, attempts: Attempts, one: ApiRoute): RequestHandler {
  return async (req, res) => {
    const reply =
      one.isOpen === true
        ? await answerAnybody(services, attempts, { one, req, res })
        : await answerAccount(services, attempts, { one, req, res })
    if (!res.destroyed) await send(res, reply)
  }
}

interface Exchange<R extends ApiRoute> {
  readonly one: R
  readonly req: Request
  readonly res: Response
}

async function answerAccount(
  services: Services,
  attempts: Attempts,
  exchange: Exchange<Exclude<ApiRoute, { isOpen: true }>>,
): Promise<Reply> {
  const { one, req } = exchange
  const ask = one.takesCode === true ? askerByCodeOr : one.takesGrant === true ? askerByGrantOr : askerOf
  const { account, isPage, isByCode = false, borne } = await ask(services, attempts, req)
  const call = await readCall(services, exchange)
  return one.handle({ ...call, account, isPage, isByCode, borne })
}

async function answerAnybody(
  services: Services,
  attempts: Attempts,
  exchange: Exchange<Extract<ApiRoute, { isOpen: true }>>,
): Promise<Reply> {
  const address = addressOf(exchange.req)
  await attempts.mustBeOpen(address)
  try {
    return await exchange.one.handle(await readCall(services, exchange))
  } catch (error) {
    if (problemOf(error).status < 500) await attempts.failed(address)
    throw error
  }
}

async function readCall(
  services: Services,
  { one, req, res }: Exchange<ApiRoute>,
): Promise<OpenCall<unknown, unknown, unknown>> {
  if (one.body !== undefined) await readBody(one, req, res)
  const gone = new AbortController()
  res.once('close', () => {
    if (!res.writableFinished) gone.abort()
  })
  return {
    params: one.params?.parse(req.params),
    query: one.query?.parse(req.query),
    body: one.body?.parse(bodyOf(one, req)),
    services,
    from: tryIpAddress(addressOf(req)),
    signal: gone.signal,
  }
}

function readBody(one: ApiRoute, req: Request, res: Response): Promise<void> {
  const read = one.takes === undefined ? readJson : readBytes(one.takes)
  return new Promise((resolve, reject) => {
    read(req, res, (error?: unknown) => {
      if (error === undefined) resolve()
      else reject(error instanceof Error ? error : new Error('the body could not be read', { cause: error }))
    })
  })
}

function bodyOf(one: ApiRoute, req: Request): unknown {
  const body: unknown = req.body
  if (one.takes === undefined) return body
  if (body instanceof Uint8Array && body.length > 0) return body
  throw new ShoalError('bad-input', `send ${one.takes.what} as ${one.takes.type}`)
}

async function send(res: Response, reply: Reply): Promise<void> {
  res.status(reply.status).set('Cache-Control', 'no-store')
  if ('json' in reply) {
    res.json(reply.json)
  } else if ('tag' in reply) {
    // express answers 304 where the asker has the same already
    const kept = reply.isKept ? `private, max-age=${KEPT_SECONDS}, immutable` : 'private, no-cache'
    res.vary('Authorization').vary('Cookie').set('Cache-Control', kept)
    res.set('ETag', `"${reply.tag}"`).type(reply.type)
    res.send(Buffer.from(reply.bytes))
  } else if ('bytes' in reply) {
    if (reply.fileName !== undefined)
      res.set('Content-Disposition', `attachment; filename="${reply.fileName}"`)
    res.type(reply.type).send(typeof reply.bytes === 'string' ? reply.bytes : Buffer.from(reply.bytes))
  } else if ('parts' in reply) {
    res.set('Content-Disposition', `attachment; filename="${reply.fileName}"`).type(reply.type)
    await pipeline(reply.parts, res).catch((error: unknown) => {
      if (!res.destroyed) throw error // else whoever asked has gone
    })
  } else {
    res.end()
  }
}
