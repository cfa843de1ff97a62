/** Links as fast as the portal makes them, and whether each that was answered outlives the death of the process. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'
import { HttpLoad, quantile, rounded } from './http-load.ts'
import { isForEveryone, slugOf } from './library.ts'
import type { Tokens } from './portal-tokens.ts'
import { figuresOf, ShoalProcess } from './shoal-process.ts'
import { oneOf } from './words.ts'

const CONCURRENCY = 48
const WARM_MS = 3_000
/** Of links that are still being made when the portal is killed. */
const TAIL_MS = 1_000
/** prom-client measures the loop's delay by a timer of so many milliseconds, which are in its figures. */
const LAG_TIMER_MS = 10

interface Parts {
  readonly portal: ShoalProcess
  readonly load: HttpLoad
  readonly tokens: Tokens
}

/** Kills the portal at the end, in the middle of the load, unless a profile is wanted. */
export async function measureLinks(
  { portal, load, tokens }: Parts,
  options: { readonly bundles: number; readonly seconds: number; readonly prof: string | undefined },
) {
  const random = seededRandom(99)
  const ids: string[] = []
  let times: number[] = []
  let isOver = false
  const worker = async (): Promise<void> => {
    while (!isOver) {
      const i = Math.floor((random() * options.bundles) / 3) * 3
      if (!isForEveryone(i)) throw new Error('people without departments see only what is for everyone')
      const path = `/api/v1/bundles/${slugOf(i)}/releases/latest/links`
      const reply = await load.send({ method: 'POST', path, token: oneOf(tokens.people, random) })
      if (reply.status !== 201) throw new Error(`no link: ${reply.status} ${reply.body}`)
      ids.push((JSON.parse(reply.body) as { grant: { id: string } }).grant.id)
      times.push(reply.ms)
    }
  }
  const workers = Promise.allSettled(Array.from({ length: CONCURRENCY }, worker))
  await wait(WARM_MS)
  await loopLagMs(load, tokens.admin) // begins anew with each look
  times = []
  const before = { links: ids.length, cpu: portal.cpuSeconds(), at: performance.now() }
  await wait(options.seconds * 1_000)
  const links = ids.length - before.links
  const cpuSeconds = portal.cpuSeconds() - before.cpu
  const seconds = (performance.now() - before.at) / 1_000
  const shown = { p50Ms: rounded(quantile(times, 0.5)), p99Ms: rounded(quantile(times, 0.99)) }
  const loopLag = await loopLagMs(load, tokens.admin)
  await wait(TAIL_MS)
  if (options.prof === undefined) await portal.stop('SIGKILL')
  isOver = true
  const failed = (await workers).filter((result) => result.status === 'rejected')
  const bad = failed.find(({ reason }) => String(reason).includes('no link'))
  if (bad !== undefined) throw new Error('a link was refused', { cause: bad.reason })
  return {
    concurrency: CONCURRENCY,
    links,
    cpuSeconds: rounded(cpuSeconds, 2),
    perCpuSecond: Math.round(links / cpuSeconds),
    perSecond: Math.round(links / seconds),
    coresUsed: rounded(cpuSeconds / seconds, 2),
    ...shown,
    ...loopLag,
    ids,
  }
}

/** Starts the portal again and walks all its grants. */
export async function answeredAndLost(dataDir: string, ids: readonly string[]) {
  await using portal = await ShoalProcess.start(['portal', '--data', dataDir, '--listen', '127.0.0.1:0'])
  using load = new HttpLoad(Number(new URL(String(portal.ready['portal'])).port))
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  const there = new Set<string>()
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = `/api/v1/grants?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page = JSON.parse((await load.send({ path, token })).body) as {
      items: { id: string }[]
      nextCursor: string | null
    }
    for (const { id } of page.items) there.add(id)
    cursor = page.nextCursor
  }
  return { answered: ids.length, lost: ids.filter((id) => !there.has(id)).length }
}

async function loopLagMs(load: HttpLoad, token: string) {
  const figures = figuresOf((await load.send({ path: '/metrics', token })).body)
  const lag = (name: string): number =>
    rounded(Math.max(0, (figures.get(`nodejs_eventloop_lag_${name}_seconds`) ?? NaN) * 1_000 - LAG_TIMER_MS))
  return { loopStallP99Ms: lag('p99'), loopStallMaxMs: lag('max') }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
