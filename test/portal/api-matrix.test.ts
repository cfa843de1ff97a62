import assert from 'node:assert/strict'
import { Validator } from '@seriousme/openapi-schema-validator'
import { apiRoutes } from '../../src/portal/http/api.ts'
import { zLink } from '../../src/wire/api.ts'
import { zEnrolled } from '../../src/wire/device-api.ts'
import { generateDeviceKey, requestCertificate } from '../../src/wire/device-certificate.ts'
import { FakeMaker } from './fake-maker.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'
import { smallJpeg } from '../support/jpegs.ts'
import { torrentNamed } from './torrents.ts'

type Who =
  | 'nobody'
  | 'junk'
  | 'viewer'
  | 'outsider'
  | 'stranger'
  | 'publisher'
  | 'operator'
  | 'auditor'
  | 'origin'
  | 'admin'
const EVERYBODY: readonly Who[] = [
  'nobody',
  'junk',
  'viewer',
  'outsider',
  'stranger',
  'publisher',
  'operator',
  'auditor',
  'origin',
  'admin',
]

/**
 * Expected status of every route for everybody, on a bundle of `publisher` for the group `ops`, in which `viewer` is.
 * `outsider` is a viewer of other groups, `stranger` a publisher of other groups. `nobody` and `junk` (an unknown
 * token) get 401 everywhere.
 */
type Row = Readonly<Record<Exclude<Who, 'nobody' | 'junk'>, number>>
const row = (viewer: number, outsider: number, stranger: number, publisher: number, operator: number, auditor: number, origin: number, admin: number): Row => ({
  viewer, outsider, stranger, publisher, operator, auditor, origin, admin,
}) // prettier-ignore
const MATRIX: Readonly<Record<string, Row>> = {
  'get /me': row(200, 200, 200, 200, 200, 200, 200, 200),
  'get /bundles': row(200, 200, 200, 200, 200, 200, 200, 200),
  'post /bundles': row(403, 403, 201, 201, 403, 403, 201, 201),
  'get /bundles/{slug}': row(200, 404, 404, 200, 200, 200, 200, 200),
  'post /bundles/{slug}/releases': row(403, 404, 404, 201, 403, 403, 403, 201),
  'get /bundles/{slug}/releases/{name}': row(200, 404, 404, 200, 200, 200, 200, 200),
  'get /bundles/{slug}/releases/{name}/torrent': row(200, 404, 404, 200, 200, 200, 200, 200),
  'post /bundles/{slug}/releases/{name}/links': row(201, 404, 404, 201, 403, 403, 201, 201),
  'put /bundles/{slug}/releases/{name}/media': row(403, 404, 404, 204, 403, 403, 204, 204),
  'put /bundles/{slug}/releases/{name}/poster': row(403, 404, 404, 204, 403, 403, 204, 204),
  'get /bundles/{slug}/releases/{name}/poster': row(200, 404, 404, 200, 200, 200, 200, 200),
  'post /bundles/{slug}/releases/{name}/recall': row(403, 404, 404, 200, 200, 403, 403, 200),
  'get /grants': row(200, 200, 200, 200, 200, 200, 200, 200),
  'delete /grants/{id}': row(204, 404, 404, 204, 204, 404, 404, 204), // the grant is for viewer, by publisher
  'post /grants/{id}/renew': row(200, 404, 404, 200, 404, 404, 404, 200),
  'post /devices': row(201, 201, 201, 201, 201, 201, 201, 201),
  'post /devices/codes': row(403, 403, 403, 403, 403, 403, 403, 201),
  'get /devices': row(200, 200, 200, 200, 200, 200, 200, 200),
  'delete /devices/{id}': row(204, 404, 404, 404, 404, 404, 404, 204), // the device is viewer's, and the grant too
  'post /permits': row(201, 404, 404, 404, 404, 404, 404, 201),
  'get /users': row(403, 403, 403, 403, 200, 200, 403, 200),
  'post /users': row(403, 403, 403, 403, 403, 403, 403, 201),
  'get /users/{name}': row(403, 403, 403, 403, 200, 200, 403, 200),
  'put /users/{name}': row(403, 403, 403, 403, 403, 403, 403, 200),
  'post /users/{name}/invitation': row(403, 403, 403, 403, 403, 403, 403, 201),
  'post /users/{name}/disable': row(403, 403, 403, 403, 403, 403, 403, 200),
  'post /users/{name}/enable': row(403, 403, 403, 403, 403, 403, 403, 200),
  'delete /users/{name}/grants': row(403, 403, 403, 403, 200, 403, 403, 200),
  'post /logins': row(201, 201, 201, 201, 201, 201, 201, 201),
  'post /logins/poll': row(404, 404, 404, 404, 404, 404, 404, 404),
  'get /groups': row(403, 403, 403, 403, 200, 200, 403, 200),
  'post /groups': row(403, 403, 403, 403, 403, 403, 403, 201),
  'delete /groups/{name}': row(403, 403, 403, 403, 403, 403, 403, 204),
  'put /groups/{name}/members/{person}': row(403, 403, 403, 403, 403, 403, 403, 204),
  'delete /groups/{name}/members/{person}': row(403, 403, 403, 403, 403, 403, 403, 204),
  'get /keys': row(403, 403, 403, 403, 200, 403, 403, 200),
  'post /keys/rotate': row(403, 403, 403, 403, 200, 403, 403, 200),
  'post /keys/{kid}/retire': row(403, 403, 403, 403, 404, 403, 403, 404),
  'post /grants/shared': row(403, 403, 403, 403, 403, 403, 204, 204),
  'post /grants/refuse-before': row(403, 403, 403, 403, 200, 403, 403, 200),
  'post /presence': row(403, 403, 403, 403, 403, 403, 200, 200),
  'get /origin/wanted': row(403, 403, 403, 403, 403, 403, 200, 200),
  'get /control': row(200, 200, 200, 200, 200, 200, 200, 200),
  'post /transfers': row(403, 403, 403, 403, 403, 403, 200, 200),
  'get /figures': row(403, 403, 403, 403, 200, 200, 403, 200),
  'get /figures/releases': row(403, 403, 403, 403, 200, 200, 403, 200),
  'get /bundles/{slug}/who-has-it': row(403, 404, 404, 200, 200, 200, 403, 200),
  'get /bundles/{slug}/who-has-it.csv': row(403, 404, 404, 200, 200, 200, 403, 200),
  'get /bundles/{slug}/releases/{name}/missing': row(403, 404, 404, 200, 200, 200, 403, 200),
  // this portal has no content of its own
  'post /bundles/{slug}/releases/{name}/watch': row(503, 404, 404, 503, 403, 403, 503, 503),
  'get /watching': row(403, 403, 403, 403, 403, 403, 200, 200),
  'post /bundles/{slug}/releases/{name}/watched': row(200, 404, 404, 200, 403, 403, 403, 200), // as to watch
  'get /bundles/{slug}/releases/{name}/watched': row(200, 404, 404, 200, 200, 200, 200, 200),
  'get /bundles/{slug}/learning': row(403, 404, 404, 200, 403, 200, 403, 200),
  'get /bundles/{slug}/learning.csv': row(403, 404, 404, 200, 403, 200, 403, 200),
  'delete /users/{name}/learning': row(403, 403, 403, 403, 403, 403, 403, 204),
  'get /tokens': row(403, 403, 403, 403, 403, 403, 403, 200),
  'post /tokens': row(403, 403, 403, 403, 403, 403, 403, 201),
  'delete /tokens/{id}': row(403, 403, 403, 403, 403, 403, 403, 204),
  'get /sites': row(403, 403, 200, 200, 200, 403, 200, 200),
  'put /sites': row(403, 403, 403, 403, 200, 403, 403, 200),
  'get /audit': row(403, 403, 403, 403, 200, 200, 403, 200),
  'get /audit.csv': row(403, 403, 403, 403, 200, 200, 403, 200),
  // who may fetch it has nothing to ask for; for whom it is not, it is as if there were none
  'put /bundles/{slug}': row(403, 404, 404, 200, 403, 403, 403, 200),
  'post /bundles/{slug}/requests': row(409, 201, 201, 409, 201, 201, 409, 409),
  'get /requests': row(200, 200, 200, 200, 200, 200, 200, 200),
  'post /requests/{id}/grant': row(404, 404, 404, 200, 404, 404, 404, 200),
  'post /requests/{id}/deny': row(404, 404, 404, 200, 404, 404, 404, 200),
  'get /bundles/{slug}/guests': row(403, 404, 404, 200, 403, 403, 403, 200),
  'put /bundles/{slug}/guests/{name}': row(403, 404, 404, 204, 403, 403, 403, 204),
  'delete /bundles/{slug}/guests/{name}': row(403, 404, 404, 204, 403, 403, 403, 204),
  'get /drafts': row(403, 403, 200, 200, 403, 403, 200, 200),
  'post /drafts': row(403, 403, 201, 201, 403, 403, 201, 201),
  'get /drafts/{id}': row(404, 404, 404, 200, 404, 404, 404, 200),
  'put /drafts/{id}': row(404, 404, 404, 200, 404, 404, 404, 200),
  'delete /drafts/{id}': row(404, 404, 404, 204, 404, 404, 404, 204),
  'get /drafts/{id}/files': row(404, 404, 404, 200, 404, 404, 404, 200),
  'post /drafts/{id}/files': row(404, 404, 404, 200, 404, 404, 404, 200),
  'delete /drafts/{id}/files': row(404, 404, 404, 204, 404, 404, 404, 204),
  'get /drafts/{id}/review': row(404, 404, 404, 409, 404, 404, 404, 409), // no files in it yet
  'get /drafts/{id}/frames/{n}': row(404, 404, 404, 409, 404, 404, 404, 409),
  'post /drafts/{id}/mend': row(404, 404, 404, 404, 404, 404, 404, 404), // it has no files
  'delete /drafts/{id}/mend': row(404, 404, 404, 204, 404, 404, 404, 204),
  'post /drafts/{id}/submit': row(404, 404, 404, 409, 404, 404, 404, 409),
  'post /drafts/{id}/take-back': row(404, 404, 404, 409, 404, 404, 404, 409),
  'get /library': row(403, 403, 200, 200, 403, 403, 403, 200),
}

const BODIES: Readonly<Record<string, object>> = {
  'post /bundles': { title: 'Another' },
  'post /bundles/{slug}/releases/{name}/links': {},
  'put /bundles/{slug}/releases/{name}/media': { kind: 'video', playsInBrowsers: true },
  'post /grants/shared': { items: [] },
  'post /grants/refuse-before': { before: '2026-01-01T00:00:00Z' },
  'post /presence': { peerId: 'b'.repeat(40), kind: 'origin', host: '10.0.0.9', port: 5_000, complete: [] },
  'post /transfers': {
    items: [
      {
        session: 's'.repeat(22),
        seq: 1,
        infohash: 'a'.repeat(40),
        ageSeconds: 0,
        startBytes: 0,
        haveBytes: 0,
        ends: [],
      },
    ],
  },
  'post /bundles/{slug}/releases/{name}/watch': { file: 0 },
  'post /bundles/{slug}/releases/{name}/watched': { file: 0, durationSeconds: 60, ranges: [[0, 10]] },
  'post /devices/codes': { user: 'vera' },
  'put /bundles/{slug}': { description: 'new words' },
  'post /bundles/{slug}/requests': { reason: 'for the drill' },
  'post /requests/{id}/grant': {},
  'post /requests/{id}/deny': {},
  'put /bundles/{slug}/guests/{name}': {},
  'post /logins': { client: 'a laptop' },
  'post /logins/poll': { deviceCode: 'none' },
  'post /tokens': { name: 'new', role: 'viewer' },
  'put /users/{name}': { displayName: 'Somebody' },
  'post /drafts': {},
  'put /drafts/{id}': { title: 'Another' },
  'post /drafts/{id}/mend': { path: 'a.mp4' },
  'post /drafts/{id}/files': { files: [{ path: 'b.txt', sizeBytes: 1 }] },
  'put /sites': { items: [{ name: 'lyon', cidrs: ['10.4.0.0/16'] }] },
}

describe('The REST API, every route for everybody', () => {
  let portal: TestPortal
  const tokens = new Map<Who, string>()

  before(async () => {
    const maker = new FakeMaker()
    portal = await openTestPortal({
      publishing: () => maker,
      settings: { failedLoginsPerMinuteMax: '1000', uploadKeepFree: '0' },
    })
    tokens
      .set('junk', `shoal_${'x'.repeat(43)}`)
      .set('viewer', await portal.token('viewer', { user: 'vera', groups: ['ops'] }))
      .set('outsider', await portal.token('viewer', { user: 'otto', groups: ['sales'] }))
      .set('stranger', await portal.token('publisher', { user: 'peter' }))
      .set('publisher', await portal.token('publisher', { user: 'paula' }))
      .set('operator', await portal.token('operator', { user: 'opal' }))
      .set('auditor', await portal.token('auditor', { user: 'odo' }))
      .set('origin', portal.originToken)
      .set('admin', portal.adminToken)
  })
  after(() => portal[Symbol.asyncDispose]())

  it('is in this table, and the table has nothing else', () => {
    assert.deepEqual(
      apiRoutes.map((route) => `${route.method} ${route.path}`).sort(),
      Object.keys(MATRIX).sort(),
    )
  })

  const enrolment = async (): Promise<object> => ({
    request: await requestCertificate(await generateDeviceKey()),
    name: 'a machine',
  })
  const enrol = async (token?: string): Promise<string> => {
    const made = await portal
      .api('post', '/devices', token)
      .send(await enrolment())
      .expect(201)
    return zEnrolled.parse(made.body).device.device
  }

  /** Otto's request for the bundle, as its owner finds it. */
  const asked = async (slug: string): Promise<string> => {
    const otto = await portal.token('viewer', { user: `otto-${slug}` })
    await portal.api('post', `/bundles/${slug}/requests`, otto).send({ reason: 'please' }).expect(201)
    const list = await portal
      .api('get', '/requests?which=asked&state=open', tokens.get('publisher'))
      .expect(200)
    const { items } = list.body as { items: { id: string; bundle: string }[] }
    return items.find(({ bundle }) => bundle === slug)?.id ?? ''
  }

  /** A draft of the publisher, with a file to come where one is to be taken out. */
  const drafted = async (key: string): Promise<string> => {
    const made = await portal.api('post', '/drafts', tokens.get('publisher')).send({}).expect(201)
    const { id } = made.body as { id: string }
    const files = [{ path: 'a.txt', sizeBytes: 1 }]
    if (key === 'delete /drafts/{id}/files')
      await portal.api('post', `/drafts/${id}/files`, tokens.get('publisher')).send({ files }).expect(200)
    await dropOld(id)
    return id
  }
  /** One person may have so many; what the tests before left is in the way. */
  const dropOld = async (but: string): Promise<void> => {
    const list = await portal.api('get', '/drafts?limit=200', tokens.get('publisher')).expect(200)
    for (const { id } of (list.body as { items: { id: string }[] }).items)
      if (id !== but) await portal.api('delete', `/drafts/${id}`, tokens.get('publisher')).expect(204)
  }

  let count = 0
  for (const route of apiRoutes) {
    const key = `${route.method} ${route.path}`
    for (const who of EVERYBODY) {
      const isKnown = who !== 'nobody' && who !== 'junk'
      const expected = isKnown ? MATRIX[key]?.[who] : route.isOpen === true ? MATRIX[key]?.viewer : 401
      it(`answers ${expected} to ${who} for ${key}`, async () => {
        if (expected === 401) {
          await portal.api(route.method, route.path.replaceAll(/[{}]/g, ''), tokens.get(who)).expect(401)
          return
        }
        const paula = tokens.get('publisher') ?? ''
        const name = `content ${count++}`
        const { slug } = await portal.live(paula, { title: name, audience: ['ops'] }, name)
        const grant = (await portal.link(paula, slug, { for: 'vera' })).grant.id
        const spare = await portal
          .api('post', '/tokens', portal.adminToken)
          .send({ name: 'spare', role: 'viewer' })
        const device =
          key.includes('devices/') || key.includes('permits') ? await enrol(tokens.get('viewer')) : ''
        const id = key.includes('tokens') ? (spare.body as { id: string }).id : device === '' ? grant : device
        const person = `person${count}`
        const group = `group${count}`
        if (/users|groups|guests/.test(key)) {
          await portal.api('post', '/users', portal.adminToken).send({ name: person }).expect(201)
          await portal.api('post', '/groups', portal.adminToken).send({ name: group }).expect(201)
        }
        if (key.startsWith('delete') && key.includes('guests'))
          await portal.api('put', `/bundles/${slug}/guests/${person}`, paula).send({}).expect(204)
        if (key.startsWith('get') && key.endsWith('/poster'))
          await portal
            .api('put', `/bundles/${slug}/releases/latest/poster`, paula)
            .set('content-type', 'image/jpeg')
            .send(smallJpeg())
            .expect(204)
        const request_ = key.includes('/requests/{id}') ? await asked(slug) : ''
        const draft_ = key.includes('/drafts/{id}') ? await drafted(key) : ''
        const path = route.path
          .replace('/drafts/{id}', `/drafts/${draft_}`)
          .replace('{n}', '0')
          .replace('/requests/{id}', `/requests/${request_}`)
          .replace('{slug}', slug)
          .replace('{name}', /users|guests/.test(key) ? person : key.includes('groups') ? group : 'latest')
          .replace('{person}', person)
          .replace('{id}', id)
          .replace('{kid}', 'none')
        const query = key.startsWith('delete /drafts/{id}/') ? '?path=a.txt' : ''
        const request = portal.api(route.method, path + query, tokens.get(who))
        if (route.takes?.type === 'image/jpeg') request.set('content-type', 'image/jpeg').send(smallJpeg())
        else if (route.takes !== undefined)
          request
            .set('content-type', 'application/x-bittorrent')
            .send(Buffer.from(torrentNamed(`more of ${name}`)))
        else if (key === 'post /permits') request.send({ grant, device })
        else if (key === 'post /devices') request.send(await enrolment())
        else if (key === 'post /users') request.send({ name: `new-${person}` })
        else if (key === 'post /groups') request.send({ name: `new-${group}` })
        else if (BODIES[key] !== undefined) request.send(BODIES[key])
        const answer = await request
        assert.equal(answer.status, expected, answer.text)
        if (answer.status >= 400)
          assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/)
      })
    }
  }

  it('lets nobody but the owner see or touch a release that is not live', async () => {
    const slug = await portal.bundle(tokens.get('publisher') ?? '', { title: 'Not yet', audience: ['ops'] })
    await portal.release(tokens.get('publisher') ?? '', slug, 'not yet')
    for (const [who, status] of [
      ['viewer', 404],
      ['publisher', 200],
      ['origin', 200],
      ['admin', 200],
    ] as const) {
      await portal.api('get', `/bundles/${slug}/releases/1`, tokens.get(who)).expect(status)
      const link = portal.api('post', `/bundles/${slug}/releases/1/links`, tokens.get(who)).send({})
      await link.expect(status === 200 ? 201 : 404)
    }
    assert.deepEqual((await portal.detail(tokens.get('viewer') ?? '', slug)).releases, [])
  })

  it('lets a publisher give links to others for its own bundles only, and a viewer never', async () => {
    const paula = tokens.get('publisher') ?? ''
    const { slug } = await portal.live(paula, { title: 'Open', audience: ['everyone'] }, 'open')
    const path = `/bundles/${slug}/releases/latest/links`
    await portal.api('post', path, paula).send({ for: 'anybody' }).expect(201)
    await portal.api('post', path, tokens.get('stranger')).send({ for: 'anybody' }).expect(403)
    await portal.api('post', path, tokens.get('stranger')).send({ for: 'peter' }).expect(201)
    await portal.api('post', path, tokens.get('viewer')).send({ for: 'anybody' }).expect(403)
    const link = await portal.api('post', path, tokens.get('viewer')).send({ peersMax: 9 })
    assert.equal(link.status, 403)
    zLink.parse((await portal.api('post', path, tokens.get('viewer')).send({})).body)
  })

  it('answers 404 with no more to those who ask for what there is not', async () => {
    for (const path of ['/bundles/none', '/bundles/none/releases/1', '/nowhere'])
      await portal.api('get', path, tokens.get('viewer')).expect(404)
    await portal.api('get', '/bundles/Not%20A%20Slug', tokens.get('viewer')).expect(400)
    await portal.api('get', '/bundles/%E0%A4%A', tokens.get('viewer')).expect(400)
  })
})

describe('The description of the API', () => {
  it('is valid OpenAPI, and describes every route', async () => {
    await using portal = await openTestPortal()
    const body: unknown = (await portal.api('get', '/openapi.json').expect(200)).body
    const result = await new Validator().validate(body as Parameters<Validator['validate']>[0])
    assert.equal(result.valid, true, JSON.stringify(result.errors))
    const { paths } = body as {
      paths: Record<string, Record<string, { operationId: string; requestBody?: object }>>
    }
    const operations = Object.values(paths).flatMap((path) => Object.values(path))
    assert.equal(operations.length, apiRoutes.length)
    assert.equal(new Set(operations.map((operation) => operation.operationId)).size, apiRoutes.length)
    assert.ok(JSON.stringify(body).includes('application/x-bittorrent'))
  })
})
