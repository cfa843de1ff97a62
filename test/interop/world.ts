/** What the interoperability tests share: a network, a library with a release for each client, and its links. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { httpOn, Lab, type Host } from '../support/namespaces.ts'
import { shoalOk, type ShoalWhere } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { startStockClient, type Source, type StockClient, type StockKind } from '../support/stock-clients.ts'
import { digestsOf, makeTree } from '../support/tree.ts'

/** Every byte of a release is under this name, with what breaks URL codecs in it. */
export const titleFor = (job: string): string => `Sécurité #1 & 100% – ${job}`

/** A test network, a folder for everything, and the clients started in it; all gone when it is disposed of. */
export class World implements AsyncDisposable {
  readonly dir: string
  readonly lab: Lab
  readonly library: string
  readonly #clients: StockClient[] = []
  readonly #owned = new AsyncDisposableStack()
  #hosts = 0

  private constructor(dir: string, lab: Lab) {
    this.dir = dir
    this.lab = lab
    this.library = join(dir, 'library')
  }

  static async create(): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-interop-'))
    return new World(dir, await Lab.create())
  }

  /** A folder of the library for each job, all with the same awkward names and content of their own. */
  async fillLibrary(jobs: readonly string[]): Promise<void> {
    await mkdir(this.library, { recursive: true })
    for (const job of jobs) await makeTree(join(this.library, titleFor(job)), job)
  }

  /** `path -> SHA-256` of a job's release as it was published, with the folder's own name in front. */
  async digestsFor(job: string): Promise<Record<string, string>> {
    const digests = await digestsOf(join(this.library, titleFor(job)))
    return Object.fromEntries(Object.entries(digests).map(([path, sha]) => [`${titleFor(job)}/${path}`, sha]))
  }

  /** Ended with the world, after the stock clients. */
  own<T extends AsyncDisposable>(thing: T): T {
    return this.#owned.use(thing)
  }

  /** A machine more, at 10.77.9.x. */
  addHost(): Promise<Host> {
    const n = ++this.#hosts
    return this.lab.addHost(`peer${n}`, `10.77.9.${n}`)
  }

  folderOf(job: string): string {
    return join(this.dir, 'got', job)
  }

  /** A stock client on a machine of its own, ended with the world. */
  async start(kind: StockKind, job: string, source: Source, signal: AbortSignal): Promise<StockClient> {
    const host = await this.addHost()
    const workDir = join(this.dir, 'clients', job)
    const client = await startStockClient(kind, { host, source, folder: this.folderOf(job), workDir }, signal)
    this.#clients.push(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()))
    await this.#owned.disposeAsync()
    await this.lab[Symbol.asyncDispose]()
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Slugs by title, once every one of `titles` has a live release at the portal of `where`. */
export async function untilLive(
  where: ShoalWhere & { readonly host: Host },
  portal: string,
  titles: readonly string[],
  token: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  interface Page {
    readonly items: readonly { readonly title: string; readonly bundle: string; readonly latest: unknown }[]
  }
  return until(
    `live releases of ${titles.join(', ')}`,
    async () => {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await httpOn(where.host, `${portal}/api/v1/bundles?limit=200`, { headers })
      if (answer.status !== 200) throw new Error(`the portal answered ${answer.status}: ${answer.body}`)
      const { items } = JSON.parse(answer.body) as Page
      const live = new Map(items.filter((b) => b.latest !== null).map((b) => [b.title, b.bundle]))
      return titles.every((title) => live.has(title)) ? live : undefined
    },
    signal,
  )
}

export interface SignedLink {
  readonly magnet: string
  readonly torrentFile: string
  readonly grant: string
}

/** `shoal link`, with its .torrent written beside. */
export async function linkTo(
  where: ShoalWhere,
  bundle: string,
  ...flags: readonly string[]
): Promise<SignedLink> {
  const torrentFile = join(where.dataDir, '..', `${bundle}.torrent`)
  const link = await shoalOk(where, 'link', 'link', bundle, '--torrent', torrentFile, ...flags)
  return { magnet: String(link.magnet), grant: String(link.grant), torrentFile }
}

/** Rejects with everything the client printed beside, so that a failing run can be understood. */
export async function explained<T>(client: StockClient, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`${client.kind} printed:\n${await client.transcript()}`, { cause: error })
  }
}

export const SHA_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * Without what is the client's own business: Transmission 3.00 makes no empty files; aria2 keeps a file of its
 * own beside the content while it seeds.
 */
export function onlyContent(kind: StockKind, digests: Record<string, string>): Record<string, string> {
  const entries = Object.entries(digests).filter(([path, sha]) => {
    if (kind === 'transmission') return sha !== SHA_OF_NOTHING
    return kind !== 'aria2' || !path.endsWith('.aria2')
  })
  return Object.fromEntries(entries)
}
