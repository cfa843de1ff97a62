/** Reports of transfers, as clients at pretend sites and an origin make them, and what the portal makes of them. */
import request from 'supertest'
import type { InfoHash } from '../../src/core/ids.ts'
import { MiB } from '../../src/core/units.ts'
import type { Figures, ReleaseFigurePage, Transfer, TransferEnd } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal, type TestPortalOptions } from './test-portal.ts'
import { torrentNamed } from './torrents.ts'

export const SIZE = 100 * MiB
export const LYON = '10.4.0.1'
export const LYON_2 = '10.4.0.2'
export const OSLO = '10.7.0.1'
/** At the site hq. */
export const ORIGIN = '10.1.2.3'

export const openFigurePortal = async (options: TestPortalOptions = {}): Promise<TestPortal> => {
  const portal = await openTestPortal({
    ...options,
    settings: { trustProxy: 'loopback', ...options.settings },
  })
  const items = [
    { name: 'lyon', cidrs: ['10.4.0.0/16'] },
    { name: 'oslo', cidrs: ['10.7.0.0/16'] },
    { name: 'hq', cidrs: ['10.1.0.0/16'] },
  ]
  await portal.api('put', '/sites', portal.adminToken).send({ items }).expect(200)
  return portal
}

export interface LiveRelease {
  readonly slug: string
  readonly infohash: InfoHash
}

/** Live, of {@link SIZE}. */
export async function liveRelease(
  portal: TestPortal,
  name = 'film',
  audience: string[] = ['everyone'],
): Promise<LiveRelease> {
  const slug = await portal.bundle(portal.adminToken, { title: name, audience })
  const torrent = torrentNamed(name.replaceAll(/[^\w ]/g, '_'), {
    files: [{ path: '', sizeBytes: SIZE }],
    isSingleFile: true,
  })
  const answer = await portal.postTorrent(portal.adminToken, slug, torrent).expect(201)
  const { infohash } = answer.body as { infohash: InfoHash }
  await portal.complete([infohash])
  return { slug, infohash }
}

/** The grant itself, of a person. */
export async function grantFor(portal: TestPortal, slug: string, person?: string): Promise<string> {
  const link = await portal.link(portal.adminToken, slug, person === undefined ? {} : { for: person })
  return /\/dl\/(.+)\.torrent$/.exec(link.torrentUrl)?.[1] ?? ''
}

export const session = (letter: string): string => letter.repeat(22)

export const end = (
  at: string,
  from: TransferEnd['from'],
  receivedBytes: number,
  sentBytes = 0,
): TransferEnd => ({ at, from, receivedBytes, sentBytes })

export const transfer = (infohash: string, more: Partial<Transfer> = {}): Transfer => ({
  session: session('s'),
  seq: 1,
  infohash,
  ageSeconds: 60,
  startBytes: 0,
  haveBytes: 0,
  ends: [],
  ...more,
})

/** By a grant, from this address. */
export const report = (portal: TestPortal, grant: string, from: string, ...items: Transfer[]): request.Test =>
  request(portal.portal.handler)
    .post('/api/v1/transfers')
    .set('authorization', `Grant ${grant}`)
    .set('x-forwarded-for', from)
    .send({ items })

/** What the origin of {@link TestPortal.complete} sent. */
export const reportSent = (portal: TestPortal, ...items: Transfer[]): request.Test =>
  portal.api('post', '/transfers', portal.originToken).send({ peerId: 'a'.repeat(40), items })

/** Sentences of what was not taken. */
export const reasons = (answer: request.Response): string[] =>
  (answer.body as { refused: { reason: string }[] }).refused.map(({ reason }) => reason)

export async function figuresOf(portal: TestPortal, query = ''): Promise<Figures> {
  return (await portal.api('get', `/figures${query}`, portal.adminToken).expect(200)).body as Figures
}

export async function releasesOf(portal: TestPortal, query = ''): Promise<ReleaseFigurePage> {
  return (await portal.api('get', `/figures/releases${query}`, portal.adminToken).expect(200))
    .body as ReleaseFigurePage
}
