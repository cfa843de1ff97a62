/** aria2: steered by its JSON-RPC interface; tracker refusals stand in its log only. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { httpOn, startOn } from './namespaces.ts'
import { until } from './processes.ts'
import { linkIn } from './stock-source.ts'
import type { StockClient, StockJob } from './stock-clients.ts'

const FIELDS = [
  'status',
  'totalLength',
  'completedLength',
  'verifyIntegrityPending',
  'connections',
  'bittorrent',
]

interface Download {
  readonly status: string
  readonly totalLength: string
  readonly completedLength: string
  readonly verifyIntegrityPending?: string
  readonly connections?: string
  /** Without `info` while it has but the magnet. */
  readonly bittorrent?: { readonly info?: object }
}

export async function startAria2(job: StockJob, signal: AbortSignal): Promise<StockClient> {
  const logFile = join(job.workDir, 'aria2.log')
  const source = linkIn(job.source)
  const child = startOn(job.host, {
    logFile: join(job.workDir, 'output.log'),
    argv: [
      'aria2c',
      '--no-conf',
      ...[
        '--enable-dht=false',
        '--enable-dht6=false',
        '--bt-enable-lpd=false',
        '--enable-peer-exchange=false',
      ],
      ...['--disable-ipv6=true', '--listen-port=51413', '--enable-rpc=true', '--rpc-listen-port=6800'],
      // Announces every 2 s, whatever the tracker asks: that is how a test forces one.
      ...['--bt-tracker-interval=2', '--seed-ratio=0.0', '--check-integrity=true', '--file-allocation=none'],
      ...[
        '--follow-torrent=mem',
        '--bt-save-metadata=false',
        '--summary-interval=0',
        '--show-console-readout=false',
      ],
      ...[`--log=${logFile}`, '--log-level=notice', `--dir=${job.folder}`],
      source,
    ],
  })
  const rpc = async (method: string, ...params: unknown[]): Promise<unknown> => {
    const json = { jsonrpc: '2.0', id: '1', method, params }
    const answer = await httpOn(job.host, 'http://127.0.0.1:6800/jsonrpc', { json })
    return (JSON.parse(answer.body) as { result?: unknown }).result
  }
  const downloads = async (): Promise<readonly Download[]> =>
    ((await rpc('aria2.tellActive', FIELDS)) ?? []) as readonly Download[]

  const client: StockClient = {
    kind: 'aria2',
    async untilComplete(given) {
      await until(
        'aria2 to have every byte',
        async () => {
          if (child.hasExited) throw new Error('aria2 ended')
          const done = (await downloads()).some(
            (d) =>
              d.totalLength !== '0' &&
              d.completedLength === d.totalLength &&
              d.verifyIntegrityPending !== 'true' &&
              d.bittorrent?.info !== undefined,
          )
          return done || undefined
        },
        given,
      )
    },
    reannounce: () => Promise.resolve(), // it does so every 2 s
    async trackerError() {
      const log = await readFile(logFile, 'utf8')
      return /(?:tracker returned failure reason|Tracker returned failure reason)[^\n]*/i.exec(log)?.[0]
    },
    async peers() {
      const counts = (await downloads()).map((d) => Number(d.connections ?? 0))
      return counts.reduce((a, b) => a + b, 0)
    },
    async transcript() {
      const log = await readFile(logFile, 'utf8').catch(() => '')
      return `${child.transcript()}\n--- log\n${log.slice(-6_000)}`
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
  try {
    await until(
      'aria2 to answer',
      async () => ((await rpc('aria2.getVersion')) === undefined ? undefined : true),
      signal,
    )
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw new Error(child.transcript(), { cause: error })
  }
  return client
}
