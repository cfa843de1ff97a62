/** What a run is played on: the network, `shoal up` on its server with the film, and a person for each viewer. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endAllIn } from '../../test/support/namespaces.ts'
import { keyHashOf, makeCertificate } from '../../test/support/certificates.ts'
import {
  shoal,
  shoalOk,
  startShoal,
  untilEvent,
  type ShoalWhere,
} from '../../test/support/processes-shoal.ts'
import { until } from '../../test/support/processes.ts'
import type { HostPlan } from '../lab/plan.ts'
import { LabNetwork, type LabHost } from '../lab/topology.ts'
import { putInto } from './film.ts'
import type { WatchOptions } from './options.ts'

const PORT = 8_443
const BUNDLE = 'film-mp4'
/** What it has started may outlive it, and keeps its output open: then all is ended. */
const STOP_MS = 20_000

/** Where viewers go, and how they get in. */
export interface Stage extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly portal: string
  readonly watchPath: string
  /** The same file as the watch page's, by HTTP ranges. */
  readonly filePath: string
  readonly keyHash: string
  /** The server's process, and what it started. */
  readonly serverPid: number
  /** A page at which somebody new chooses a password and is signed in. */
  invitationOf(person: string): Promise<string>
  /** For the liar, who needs a grant as everybody does. */
  readonly torrentFile: string
  readonly certificate: string
}

export interface Grounds extends AsyncDisposable {
  readonly network: LabNetwork
  /** In the order in which they come: sites in turn. */
  readonly browsers: readonly LabHost[]
  readonly liar: LabHost | undefined
}

export async function layOut(options: WatchOptions): Promise<Grounds> {
  const { sites, browsers, lanMbit, wanMbit, hasLiar } = options
  const host: HostPlan = { client: 'shoal', lanMbit, arrivesAtSeconds: 0, acceptsConnections: true }
  const count = browsers + (hasLiar ? 1 : 0)
  const plans = Array.from({ length: sites }, (_, site) => ({
    wanMbit,
    hosts: Array.from({ length: Math.ceil((count - site) / sites) }, () => host),
  }))
  const network = await LabNetwork.create({ originMbit: options.serverMbit, sites: plans })
  const inTurn = Array.from(
    { length: count },
    (_, i) => network.sites[i % sites]?.hosts[Math.floor(i / sites)],
  )
  const hosts = inTurn.flatMap((each) => each ?? [])
  return {
    network,
    browsers: hosts.slice(0, browsers),
    liar: hosts[browsers],
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

/** As what browsers that root started give to their own main processes: on a machine of its own nothing would be before it. */
const NICENESS = -8

/** Resolves when the film can be fetched. */
export async function startShoalStage(
  { network }: Grounds,
  parts: { readonly film: string; readonly dir: string; readonly hasGateway: boolean },
  signal: AbortSignal,
): Promise<Stage> {
  const { film, dir, hasGateway } = parts
  const { origin, sites } = network
  const files = await makeCertificate(dir, 'portal', [origin.address])
  const library = join(dir, 'library')
  await mkdir(library)
  await putInto(library, film)
  const sitesFile = join(dir, 'sites.txt')
  await writeFile(sitesFile, sites.map((site) => `${site.name} ${site.cidr}\n`).join(''))
  const where: ShoalWhere = {
    host: origin,
    dataDir: join(dir, 'up'),
    logFile: join(dir, 'up.log'),
    env: { NODE_EXTRA_CA_CERTS: files.certificate, SHOAL_GATEWAY_ENABLED: String(hasGateway) },
    niceness: NICENESS,
  }
  await using stack = new AsyncDisposableStack()
  const flags = ['--library', library, '--sites', sitesFile, '--listen', `${origin.address}:${PORT}`]
  const tls = ['--tls-cert', files.certificate, '--tls-key', files.key]
  let watchdog: NodeJS.Timeout | undefined
  stack.defer(() => clearTimeout(watchdog))
  const up = stack.use(startShoal(where, 'up', ...flags, ...tls))
  stack.defer(() => {
    watchdog = setTimeout(() => endAllIn(origin.namespace), STOP_MS)
  })
  const { portal } = await untilEvent(up, 'ready', signal)
  const torrentFile = join(dir, 'film.torrent')
  const link = ['link', BUNDLE, '--torrent', torrentFile]
  await until('the film to be published', () => shoalOk(where, 'link', ...link), signal)
  const { events } = await shoal(where, 'info', BUNDLE)
  const release = events.find(({ event }) => event === 'release')?.['release']
  if (typeof portal !== 'string' || typeof release !== 'string')
    throw new TypeError('no portal, or no release')
  const path = `/bundles/${BUNDLE}/releases/${release}`
  const owned = stack.move()
  return {
    portal,
    watchPath: `${path}/watch`,
    filePath: `${path}/files/0`,
    keyHash: await keyHashOf(files),
    serverPid: up.pid,
    torrentFile,
    certificate: files.certificate,
    async invitationOf(person) {
      const { invitation } = await shoalOk(where, 'user', 'user', 'add', person)
      return (invitation as { readonly url: string }).url
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}
