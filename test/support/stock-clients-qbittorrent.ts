/** qBittorrent without windows, steered by its web API. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { httpOn, startOn } from './namespaces.ts'
import { until } from './processes.ts'
import type { StockClient, StockJob } from './stock-clients.ts'

const API = 'http://127.0.0.1:8081/api/v2'

/** https://github.com/qbittorrent/qBittorrent/wiki/WebUI-API-(qBittorrent-4.1)#get-torrent-list */
interface TorrentRow {
  readonly hash: string
  readonly progress: number
  readonly amount_left: number
  readonly size: number
  readonly state: string
}
interface TrackerRow {
  readonly url: string
  /** 4: contacted, not working. */
  readonly status: number
  readonly msg: string
}

const SEEDING_STATES = new Set(['uploading', 'stalledUP', 'forcedUP', 'queuedUP', 'pausedUP'])

export async function startQbittorrent(job: StockJob, signal: AbortSignal): Promise<StockClient> {
  const configDir = join(job.workDir, 'qBittorrent', 'config')
  await mkdir(configDir, { recursive: true })
  await writeFile(join(configDir, 'qBittorrent.conf'), settings(job.folder))
  const child = startOn(job.host, {
    logFile: join(job.workDir, 'output.log'),
    argv: ['qbittorrent-nox', `--profile=${job.workDir}`, '--webui-port=8081'],
    env: { HOME: job.workDir, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined },
  })
  const get = async (path: string): Promise<unknown> => {
    const answer = await httpOn(job.host, `${API}/${path}`)
    if (answer.status !== 200) throw new Error(`qBittorrent answered ${answer.status} ${answer.body}`)
    return JSON.parse(answer.body)
  }
  const torrent = async (): Promise<TorrentRow | undefined> =>
    ((await get('torrents/info')) as TorrentRow[])[0]
  const trackers = async (): Promise<TrackerRow[]> => {
    const hash = (await torrent())?.hash
    return hash === undefined ? [] : ((await get(`torrents/trackers?hash=${hash}`)) as TrackerRow[])
  }

  const client: StockClient = {
    kind: 'qbittorrent',
    async untilComplete(given) {
      await until(
        'qBittorrent to have every byte',
        async () => {
          if (child.hasExited) throw new Error('qBittorrent ended')
          const row = await torrent()
          const isDone = row?.amount_left === 0 && row.size > 0 && SEEDING_STATES.has(row.state)
          return isDone || undefined
        },
        given,
      )
    },
    async reannounce() {
      // Its own "reannounce" keeps libtorrent's floor of five minutes; starting again does not.
      await httpOn(job.host, `${API}/torrents/pause`, { form: { hashes: 'all' } })
      await until(
        'qBittorrent to pause',
        async () => (await torrent())?.state.startsWith('paused') || undefined,
        AbortSignal.timeout(20_000),
      )
      await httpOn(job.host, `${API}/torrents/resume`, { form: { hashes: 'all' } })
    },
    async trackerError() {
      const failed = (await trackers()).find((t) => t.url.startsWith('http') && t.status === 4)
      return failed === undefined || failed.msg === '' ? undefined : failed.msg
    },
    async peers() {
      const hash = (await torrent())?.hash
      if (hash === undefined) return 0
      const seen = (await get(`sync/torrentPeers?hash=${hash}&rid=0`)) as { peers?: Record<string, unknown> }
      return Object.keys(seen.peers ?? {}).length
    },
    async transcript() {
      const shown = child.hasExited ? [] : [await torrent().catch(String), await trackers().catch(String)]
      return `${child.transcript()}\n--- shown\n${JSON.stringify(shown, null, 1)}`
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
  try {
    await until('qBittorrent to answer', () => get('app/buildInfo'), signal)
    const { source } = job
    if ('feed' in source) {
      await subscribe(job.host, source.feed)
      return client
    }
    const form = { savepath: job.folder, autoTMM: 'false', contentLayout: 'Original' }
    const added =
      'magnet' in source
        ? await httpOn(job.host, `${API}/torrents/add`, { form: { ...form, urls: source.magnet } })
        : await httpOn(job.host, `${API}/torrents/add`, { form, upload: source.torrentFile })
    if (added.body !== 'Ok.')
      throw new Error(`qBittorrent did not take the job: ${added.status} ${added.body}`)
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw new Error(child.transcript(), { cause: error })
  }
  return client
}

/** Reads the feed, and fetches all that it names. */
async function subscribe(host: StockJob['host'], feed: string): Promise<void> {
  const post = async (path: string, form: Record<string, string>): Promise<void> => {
    const answer = await httpOn(host, `${API}/${path}`, { form })
    if (answer.status !== 200) throw new Error(`qBittorrent answered ${answer.status} ${answer.body}`)
  }
  const preferences = { rss_processing_enabled: true, rss_auto_downloading_enabled: true }
  await post('app/setPreferences', { json: JSON.stringify(preferences) })
  await post('rss/addFeed', { url: feed, path: 'Shoal' })
  const rule = { enabled: true, mustContain: '', affectedFeeds: [feed], addPaused: false }
  await post('rss/setRule', { ruleName: 'all', ruleDef: JSON.stringify(rule) })
  await post('rss/refreshItem', { itemPath: 'Shoal' })
}

function settings(folder: string): string {
  return [
    '[LegalNotice]',
    'Accepted=true',
    '[BitTorrent]',
    `Session\\DefaultSavePath=${folder}`,
    'Session\\DHTEnabled=false',
    'Session\\LSDEnabled=false',
    'Session\\PeXEnabled=false',
    'Session\\BTProtocol=TCP',
    'Session\\Port=51413',
    'Session\\AddTrackersEnabled=false',
    'Session\\QueueingSystemEnabled=false',
    '[Network]',
    'PortForwardingEnabled=false',
    '[Preferences]',
    'Connection\\UPnP=false',
    'General\\UseRandomPort=false',
    'WebUI\\Address=127.0.0.1',
    'WebUI\\LocalHostAuth=false',
    'WebUI\\UseUPnP=false',
    '',
  ].join('\n')
}
