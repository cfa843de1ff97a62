/** The API described (OpenAPI 3.1), made from the table and the schemas that also validate. */
import { z } from 'zod'
import { createDocument, type ZodOpenApiResponsesObject } from 'zod-openapi'
import { zProblem } from '../../wire/api.ts'
import type { Answer, ApiRoute } from './route.ts'

export function openApiDocument(routes: readonly ApiRoute[], publicUrl: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = (paths[`/api/v1${route.path}`] ??= {})
    path[route.method] = operation(route)
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Shoal',
        version: '1',
        description: 'The portal’s REST API. Lists have cursors: give `nextCursor` back as `cursor`.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl }],
      security: [{ token: [] }, { session: [] }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'An API token, shoal_…' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'shoal.sid',
            description: 'A page’s session; changes need the header X-CSRF-Token too',
          },
        },
      },
      paths,
    },
    {
      override: ({ jsonSchema, zodSchema }) => {
        // bytes and transforms have no JSON schema of their own
        if (zodSchema._zod.def.type === 'custom') jsonSchema.type = 'string'
      },
    },
  )
}

function operation(route: ApiRoute): object {
  const { params, query, body } = route
  const bodyType = route.takes?.type ?? 'application/json'
  return {
    summary: route.summary,
    ...(route.isOpen === true && { security: [] }),
    operationId: `${route.method}${route.path.replaceAll(/[^a-zA-Z]+(\w?)/g, (_all, c: string) => c.toUpperCase())}`,
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: { [bodyType]: { schema: route.takes === undefined ? body : zBytes } },
          },
        }),
    responses: Object.fromEntries([...route.answers.map(response), problemResponse]),
  }
}

const zBytes = z.string().meta({ override: { type: 'string', format: 'binary' } })

function response(answer: Answer): [string, ZodOpenApiResponsesObject[`${1 | 2 | 3 | 4 | 5}${string}`]] {
  const status = String(answer.status)
  if ('schema' in answer)
    return [status, { description: 'Done', content: { 'application/json': { schema: answer.schema } } }]
  if ('type' in answer)
    return [status, { description: 'Done', content: { [answer.type]: { schema: zBytes } } }]
  return [status, { description: 'Done, nothing to say' }]
}

const problemResponse: [string, object] = [
  'default',
  {
    description: 'What went wrong (RFC 9457)',
    content: { 'application/problem+json': { schema: zProblem } },
  },
]
