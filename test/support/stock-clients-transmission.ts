/** Transmission: the daemon, steered by transmission-remote. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startOn } from './namespaces.ts'
import { runOk, until } from './processes.ts'
import { linkIn } from './stock-source.ts'
import type { StockClient, StockJob } from './stock-clients.ts'

const RPC = '127.0.0.1:9091'

export async function startTransmission(job: StockJob, signal: AbortSignal): Promise<StockClient> {
  const configDir = join(job.workDir, 'config')
  await mkdir(configDir, { recursive: true })
  await writeFile(join(configDir, 'settings.json'), JSON.stringify(settings(job.folder, job.host.address)))
  const child = startOn(job.host, {
    logFile: join(job.workDir, 'output.log'),
    argv: ['transmission-daemon', '--foreground', '--config-dir', configDir, '--log-info'],
    // It looks for a HOME of its own even with --config-dir.
    env: { HOME: job.workDir },
  })
  const remote = (...args: string[]): Promise<string> =>
    runOk(job.host.argv(['transmission-remote', RPC, ...args]), signal)
  const info = (): Promise<string> => remote('--torrent', '1', '--info')

  const client: StockClient = {
    kind: 'transmission',
    async untilComplete(given) {
      await until(
        'Transmission to have every byte',
        async () => {
          if (child.hasExited) throw new Error('Transmission ended')
          const text = await info()
          const isDone = /Percent Done: 100%/.test(text) && /State: (?:Seeding|Idle|Finished)/.test(text)
          return (isDone && !/Metadata: 0%/.test(text)) || undefined
        },
        given,
      )
    },
    async reannounce() {
      await remote('--torrent', '1', '--reannounce')
    },
    async trackerError() {
      const trackers = await remote('--torrent', '1', '--info-trackers')
      return /Got an error "([^"]*)"/.exec(trackers)?.[1]
    },
    async peers() {
      return Number(/connected to ([0-9]+)/.exec(await info())?.[1] ?? 0)
    },
    async transcript() {
      const shown = child.hasExited ? '' : await info().catch(String)
      const trackers = child.hasExited ? '' : await remote('--torrent', '1', '--info-trackers').catch(String)
      return `${child.transcript()}\n--- shown\n${shown}\n${trackers}`
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
  try {
    await until('Transmission to answer', () => remote('--session-info'), signal)
    await remote('--add', linkIn(job.source))
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw new Error(child.transcript(), { cause: error })
  }
  return client
}

function settings(folder: string, address: string): Record<string, unknown> {
  return {
    'download-dir': folder,
    'incomplete-dir-enabled': false,
    'dht-enabled': false,
    'lpd-enabled': false,
    'pex-enabled': false,
    'utp-enabled': false,
    'port-forwarding-enabled': false,
    'peer-port': 51_413,
    'bind-address-ipv4': address,
    'rpc-bind-address': '127.0.0.1',
    'rpc-port': 9_091,
    'rpc-authentication-required': false,
    'rpc-whitelist-enabled': false,
    'rpc-host-whitelist-enabled': false,
    'blocklist-enabled': false,
    'rename-partial-files': false,
    'start-added-torrents': true,
    'message-level': 2,
    umask: 18,
  }
}
