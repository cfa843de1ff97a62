/** A real `shoal up` on loopback with a small library, its people, and two colleagues who have fetched something. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bundle } from '../../src/wire/api.ts'
import { PageWorld, type Places } from '../../test/support/page-world.ts'
import { startShoal, untilEvent, type ShoalWhere } from '../../test/support/processes-shoal.ts'
import { until } from '../../test/support/processes.ts'
import { fillLibrary, ITEMS } from './library.ts'

export interface Company extends AsyncDisposable {
  readonly world: PageWorld
  readonly setUpUrl: string
  /** Everybody comes, and the library gets its words. */
  settle(): Promise<Places>
}

export async function startCompany(work: string): Promise<Company> {
  await using stack = new AsyncDisposableStack()
  const library = join(work, 'library')
  const hasFilms = await fillLibrary(library)
  const signal = AbortSignal.timeout(120_000)
  const where: ShoalWhere = { dataDir: join(work, 'data') }
  const up = stack.use(startShoal(where, 'up', '--library', library, '--listen', '127.0.0.1:0'))
  const ready = await untilEvent(up, 'ready', signal)
  const address = String(ready.portal)
  const setUp = await untilEvent(up, 'setup', signal)
  const adminToken = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
  const world = new PageWorld({ address, adminToken })
  const api = async (path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${address}/api/v1${path}`, {
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'PUT', body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }
  const live = await until(
    'the library to be live, with a poster of each film',
    async () => {
      const { items } = (await api('/bundles?limit=50')) as { items: Bundle[] }
      const ready = items.filter(({ title, latest }) => {
        const isFilm = ITEMS.some((item) => item.title === title && item.colours !== undefined)
        return latest?.state === 'live' && (!isFilm || !hasFilms || latest.posterTag !== undefined)
      })
      return ready.length === ITEMS.length ? items : undefined
    },
    signal,
  )
  const owned = stack.move()
  return {
    world,
    setUpUrl: String(setUp.url),
    async settle() {
      const slugOf = (title: string): string => live.find((bundle) => bundle.title === title)?.bundle ?? ''
      for (const { title, description, tags, audience } of ITEMS)
        await api(`/bundles/${slugOf(title)}`, {
          description,
          tags,
          ...(audience !== undefined && { audience }),
        })
      const [open = '', closed = ''] = [ITEMS[0], ITEMS.at(-1)].map((item) => slugOf(item?.title ?? ''))
      for (const [i, name] of ['one', 'two'].entries()) {
        const flags = [
          '--out',
          join(work, name),
          '--bind',
          `127.0.0.${i + 2}`,
          '--seed',
          'forever',
          '--portal',
          address,
        ]
        const tokenFile = join(where.dataDir, 'admin.token')
        const get = owned.use(startShoal({ dataDir: join(work, `${name}-data`) }, 'get', open, ...flags, '--token-file', tokenFile)) // prettier-ignore
        await untilEvent(get, 'done', signal)
      }
      return world.fill({ open, closed })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
