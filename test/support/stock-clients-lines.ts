/**
 * Clients that are libraries: libtorrent (from Python) and webtorrent (in Node), each in a small program of ours
 * that takes commands and tells its state by lines of JSON.
 */
import { join } from 'node:path'
import { startOn } from './namespaces.ts'
import { until } from './processes.ts'
import { linkIn } from './stock-source.ts'
import type { StockClient, StockJob, StockKind } from './stock-clients.ts'

const here = import.meta.dirname

/** `isComplete` and `peers` are told whenever they change, `trackerError` at each refusal or success (null). */
interface Line {
  readonly isComplete?: boolean
  readonly peers?: number
  readonly trackerError?: string | null
}

export function startLibtorrent(job: StockJob, signal: AbortSignal): Promise<StockClient> {
  // Debian's own Python: others do not see the system's libtorrent.
  return start('libtorrent', ['/usr/bin/python3', join(here, 'stock-clients-libtorrent.py')], job, signal)
}

export function startWebtorrent(job: StockJob, signal: AbortSignal): Promise<StockClient> {
  return start('webtorrent', [process.execPath, join(here, 'stock-clients-webtorrent.ts')], job, signal)
}

async function start(
  kind: StockKind,
  program: readonly string[],
  job: StockJob,
  signal: AbortSignal,
): Promise<StockClient> {
  const source = linkIn(job.source)
  const child = startOn(job.host, {
    logFile: join(job.workDir, 'output.log'),
    argv: [...program, source, job.folder, job.host.address],
  })
  const told = (): Line => {
    let all: Line = {}
    for (const line of child.lines) if (line.startsWith('{')) all = { ...all, ...(JSON.parse(line) as Line) }
    return all
  }
  const client: StockClient = {
    kind,
    async untilComplete(given) {
      await until(
        `${kind} to have every byte`,
        () => {
          if (child.hasExited) throw new Error(`${kind} ended`)
          return told().isComplete === true || undefined
        },
        given,
      )
    },
    reannounce() {
      child.write('reannounce\n')
      return Promise.resolve()
    },
    trackerError: () => Promise.resolve(told().trackerError ?? undefined),
    peers: () => Promise.resolve(told().peers ?? 0),
    transcript: () => Promise.resolve(child.transcript()),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
  try {
    await child.untilLine((line) => (line.startsWith('{') ? true : undefined), signal)
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
  return client
}
