/**
 * `shoal demo`: the main job on one machine, with real processes. A library, portal, tracker and origin; three
 * clients at each of two pretend sites; every SHA-256 checked; who got what from whom; the same by HTTP.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { slug } from '../../core/ids.ts'
import { ShoalError } from '../../core/errors.ts'
import { bytesPerSecond, seconds } from '../../core/units.ts'
import { sleep } from '../../platform/clock.ts'
import { readSecretFile } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { PortalClient } from '../../portal-client/index.ts'
import type { Context } from '../context.ts'
import { stopped } from '../service.ts'
import { bytesText } from '../text.ts'
import { ShoalChild } from './children.ts'
import { timeHttpServer } from './http-baseline.ts'
import { COURSE_SLUG, makeLibrary } from './library.ts'
import { differences } from './compare.ts'
import { reportDemo, type ClientResult } from './report.ts'

/** What the origin may send: the narrow link that everybody shares. */
const ORIGIN_LIMIT = bytesPerSecond(4_000_000)
const SITES = [
  { name: 'lyon', net: '127.1.1' },
  { name: 'oslo', net: '127.1.2' },
]
const CLIENTS_PER_SITE = 3

export async function demo(context: Context, options: { once?: boolean }): Promise<void> {
  const { output } = context
  const signal = untilStopped()
  const folder = await mkdtemp(join(tmpdir(), 'shoal-demo-'))
  try {
    await using stack = new AsyncDisposableStack()
    output.note('making a small library …')
    const library = await makeLibrary(join(folder, 'library'))
    if (!library.madeByFfmpeg)
      output.note('(no ffmpeg here: the video is the small one that comes with Shoal)')
    const sites = join(folder, 'sites')
    await writeFile(sites, SITES.map((s) => `${s.name} ${s.net}.0/24\n`).join(''))

    output.note('starting portal, tracker and origin …')
    const data = join(folder, 'server')
    const up = stack.use(
      new ShoalChild(
        [
          'up',
          '--data',
          data,
          '--library',
          library.folder,
          '--listen',
          '127.0.0.1:0',
          '--sites',
          sites,
        ].concat('--limit-up', `${ORIGIN_LIMIT}`),
      ),
    )
    const portal = String((await up.event('ready'))['portal'])
    const sizeBytes = await untilLive(context, portal, data, signal)

    output.note(
      `${SITES.length * CLIENTS_PER_SITE} clients at ${SITES.length} sites fetch ${bytesText(sizeBytes)} at once, the origin sends ${bytesText(ORIGIN_LIMIT)}/s at most …`,
    )
    const begun = context.clock.now()
    const results = await runClients(stack, folder, portal, data)
    const swarmMs = context.clock.now() - begun
    const bad: string[] = []
    for (const client of results) bad.push(...(await differences(library.course, client.folder, client.name)))

    output.note('the same through one HTTP server with the same limit …')
    const httpMs = await timeHttpServer(
      context.clock,
      { sizeBytes, clients: results.length, limit: ORIGIN_LIMIT },
      signal,
    )
    reportDemo(output, { results, sizeBytes, swarmMs, httpMs, bad })
    if (bad.length > 0) throw new ShoalError('bad-input', `${bad.length} files differ from the library`)
    if (options.once === true) return

    output.line('')
    output.line(`The portal stays open: ${portal}`)
    const login = up.last('setup')?.['url']
    output.line(`Sign in (once):        ${typeof login === 'string' ? login : portal}`)
    output.line('Ctrl-C ends it and removes what it made.')
    output.event({ event: 'open', portal, login })
    await stopped(signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits until the course is live; gives its size. */
async function untilLive(
  context: Context,
  portal: string,
  data: string,
  signal: AbortSignal,
): Promise<number> {
  const token = await readSecretFile(join(data, 'admin.token'))
  const client = new PortalClient({ baseUrl: portal, token: token ?? '' })
  for (let tries = 0; tries < 120; tries++) {
    const bundle = await client.bundle(slug(COURSE_SLUG), signal).catch((error: unknown) => {
      if (error instanceof ShoalError && error.code === 'not-found') return undefined
      throw error
    })
    if (bundle?.latest?.state === 'live') return bundle.latest.sizeBytes
    await sleep(context.clock, seconds(0.25), signal)
  }
  throw new ShoalError('unavailable', 'the library was not published within 30 seconds')
}

async function runClients(
  stack: AsyncDisposableStack,
  folder: string,
  portal: string,
  data: string,
): Promise<ClientResult[]> {
  const clients = SITES.flatMap((site) =>
    Array.from({ length: CLIENTS_PER_SITE }, (_, i) => ({
      name: `${site.name}-${i + 1}`,
      site: site.name,
      address: `${site.net}.${i + 1}`,
      folder: join(folder, `${site.name}-${i + 1}`),
    })),
  )
  return await Promise.all(
    clients.map(async (client) => {
      const child = stack.use(
        new ShoalChild(
          ['get', COURSE_SLUG, '--out', client.folder, '--seed', 'forever', '--bind', client.address].concat(
            ['--data', join(folder, `${client.name}-data`), '--portal', portal],
            ['--token-file', join(data, 'admin.token')],
          ),
        ),
      )
      const done = await child.event('done')
      return {
        ...client,
        seconds: Number(done['seconds']),
        from: done['from'] as ClientResult['from'],
      }
    }),
  )
}
