/**
 * With 100,000 bundles, 10,000 people and 1,000 groups: how long do a list, a search and each page take, and how many signed
 * links does one core make?
 *
 *     node bench/portal.ts [--bundles 100000] [--audit 10000000] [--requests 200] [--seconds 15] [--only pages] [--data DIR] [--prof DIR]
 *
 * With `--audit` the trail has so many rows, and is asked too. Pages are whole HTML pages, asked by people who are signed in. Prints one JSON line. A real `shoal portal` on a data folder that this bench fills (`--data` keeps it for the
 * next run); requests come from this process over kept HTTP connections. Each kind of list and search is asked
 * `--requests` times, one at a time and then four at a time, with other words or pages each time. Links are
 * asked for by 48 at a time; their rate is also told for each CPU second of the portal, all its threads together,
 * since the asking process and whoever else is on the machine take of its cores. While links are still being made the
 * portal is killed with SIGKILL and started again, and each grant that was answered must be there.
 */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HttpLoad, type Ask, quantile, rounded } from './support/http-load.ts'
import { fillAudit, fillLibrary } from './support/library.ts'
import { answeredAndLost, measureLinks } from './support/portal-links.ts'
import { auditings, listings } from './support/portal-lists.ts'
import { pagesOf } from './support/portal-pages.ts'
import { COMPANY, fillCompany } from './support/people.ts'
import { createTokens, type Tokens } from './support/portal-tokens.ts'
import { ShoalProcess } from './support/shoal-process.ts'

const CONCURRENCIES = [1, 4]

interface Options {
  readonly bundles: number
  readonly requests: number
  readonly audit: number
  readonly seconds: number
  readonly only: string | undefined
  readonly data: string | undefined
  readonly prof: string | undefined
}

async function main(options: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  try {
    const dataDir = await libraryIn(folder, options)
    const { bundles, audit, only } = options
    const { ids, ...figures } = await measure(dataDir, options)
    const durable = only === 'pages' ? undefined : await answeredAndLost(dataDir, ids)
    const { people, groups } = COMPANY
    const line = { bench: 'portal', bundles, people, groups, audit, ...figures, durable }
    process.stdout.write(`${JSON.stringify(line)}\n`)
    if ((durable?.lost ?? 0) > 0) process.exitCode = 1
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A copy of the kept library, so that each run begins with the same. */
async function libraryIn(folder: string, { bundles, audit, data }: Options): Promise<string> {
  const kept = data ?? join(folder, 'library')
  const say = (done: number): void => {
    if (done % 20_000 === 0) process.stderr.write(`${done} bundles\n`)
  }
  if (!existsSync(kept)) {
    await fillLibrary(kept, bundles, say)
    await fillCompany(kept, COMPANY, bundles)
    if (audit > 0) await fillAudit(kept, audit)
  }
  if (data === undefined) return kept
  const dataDir = join(folder, 'data')
  await cp(kept, dataDir, { recursive: true })
  return dataDir
}

async function measure(dataDir: string, options: Options) {
  const nodeArgs = options.prof === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.prof}`]
  const portal = await ShoalProcess.start(['portal', '--data', dataDir, '--listen', '127.0.0.1:0'], {
    nodeArgs,
  })
  try {
    const { port, origin } = new URL(String(portal.ready['portal']))
    using load = new HttpLoad(Number(port))
    const pages = await measurePages({ load, portal }, { dataDir, portal: origin }, options)
    if (options.only === 'pages') {
      if (options.prof !== undefined) await portal.stop('SIGTERM') // it writes the profile
      return { pages, ids: [] }
    }
    const tokens = await createTokens(load, dataDir)
    const lists = await measureLists({ load, portal }, tokens, options)
    const { ids, ...links } = await measureLinks({ portal, load, tokens }, options)
    if (options.prof !== undefined) await portal.stop('SIGTERM')
    return { pages, lists, links, ids }
  } finally {
    await portal.stop('SIGKILL')
  }
}

interface Asked {
  readonly load: HttpLoad
  readonly portal: ShoalProcess
}

async function measurePages(
  asked: Asked,
  where: { readonly dataDir: string; readonly portal: string },
  { bundles, requests }: Options,
) {
  const { load } = asked
  const kinds = await pagesOf({ ...where, load, bundles, requests, people: COMPANY.people })
  return measureKinds(asked, kinds, (body) => ({ kB: body.length / 1_000 }))
}

async function measureLists(asked: Asked, tokens: Tokens, { bundles, audit, requests }: Options) {
  const parts = { load: asked.load, tokens, bundles, audit, requests }
  const kinds = { ...(await listings(parts)), ...auditings(parts) }
  return measureKinds(asked, kinds, (body) => ({ items: itemsIn(body) }))
}

/**
 * `size` of a body, whose mean is told beside the times; and `cpuMs`, of all threads of the portal for one request in the
 * mean, which other work on the machine does not change.
 */
async function measureKinds(
  { load, portal }: Asked,
  kinds: Readonly<Record<string, readonly Ask[]>>,
  size: (body: string) => Readonly<Record<string, number>>,
) {
  const figures: Record<string, unknown> = {}
  const all = new Map(CONCURRENCIES.map((concurrency) => [concurrency, [] as number[]]))
  for (const [name, asks] of Object.entries(kinds)) {
    await load.sendAll(asks.slice(0, 20), 1) // warm
    const figure: Record<string, unknown> = {}
    const cpuBefore = portal.cpuSeconds()
    for (const concurrency of CONCURRENCIES) {
      const replies = await load.sendAll(asks, concurrency)
      const times = replies.map((reply) => reply.ms)
      all.get(concurrency)?.push(...times)
      figure[`at${concurrency}`] = quantiles(times)
      for (const key of Object.keys(size(replies[0]?.body ?? '')))
        figure[key] = rounded(
          replies.reduce((sum, { body }) => sum + (size(body)[key] ?? 0), 0) / replies.length,
        )
    }
    const cpuMs = (1_000 * (portal.cpuSeconds() - cpuBefore)) / (asks.length * CONCURRENCIES.length)
    figures[name] = { ...figure, cpuMs: rounded(cpuMs) }
  }
  for (const [concurrency, times] of all) figures[`allAt${concurrency}`] = quantiles(times)
  return figures
}

const itemsIn = (body: string): number => (JSON.parse(body) as { items: unknown[] }).items.length

function quantiles(times: readonly number[]) {
  return {
    p50Ms: rounded(quantile(times, 0.5)),
    p99Ms: rounded(quantile(times, 0.99)),
    maxMs: rounded(quantile(times, 1)),
  }
}

const { values } = parseArgs({
  options: {
    bundles: { type: 'string', default: '100000' },
    requests: { type: 'string', default: '200' },
    audit: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '15' },
    only: { type: 'string' },
    data: { type: 'string' },
    prof: { type: 'string' },
  },
})
await main({
  bundles: Number(values.bundles),
  requests: Number(values.requests),
  audit: Number(values.audit),
  seconds: Number(values.seconds),
  only: values.only,
  data: values.data,
  prof: values.prof,
})
