/** What `access.ts` works with, on a folder of its own: the real parts, without HTTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  releaseName,
  slug as slugOf,
  type InfoHash,
  type ReleaseName,
  type Slug,
} from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import type { Account } from '../../src/portal/account.ts'
import { SqliteCatalogue } from '../../src/portal/catalogue/sqlite-catalogue.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { GrantReader } from '../../src/portal/grants/grant-reader.ts'
import { Links } from '../../src/portal/grants/links.ts'
import { RefusedBefore } from '../../src/portal/grants/refused-before.ts'
import { WorkerLedger } from '../../src/portal/grants/worker-ledger.ts'
import { Journal } from '../../src/portal/journal.ts'
import { KeyFiles } from '../../src/portal/keys/key-files.ts'
import { KeyRing } from '../../src/portal/keys/key-ring.ts'
import { Guests } from '../../src/portal/requests/guests.ts'
import type { Services } from '../../src/portal/services.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { torrentNamed, torrentOfFolder } from './torrents.ts'

export const account = (role: Account['role'], user: string, ...groups: string[]): Account => ({
  user,
  role,
  groups,
})

export class AccessWorld implements AsyncDisposable {
  /** Those parts that `access.ts` uses; it gets no others. */
  readonly services: Services
  readonly clock: ManualClock
  readonly #owned: AsyncDisposableStack

  private constructor(services: Services, clock: ManualClock, owned: AsyncDisposableStack) {
    this.services = services
    this.clock = clock
    this.#owned = owned
  }

  static async open(): Promise<AccessWorld> {
    await using stack = new AsyncDisposableStack()
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-access-')), (made) =>
      rm(made, { recursive: true }),
    )
    const file = join(dir, 'portal.sqlite')
    const clock = new ManualClock()
    const log = silentLogger
    const db = stack.adopt(await openDatabase(file), (opened) => opened.destroy())
    const journal = new Journal({ db, clock })
    const publicUrl = 'http://media.example.com'
    const files = new KeyFiles(dir)
    const keys = await KeyRing.open({ db, journal, clock, files, portal: publicUrl, hosts: [], deviceCa: '' })
    const catalogue = new SqliteCatalogue({ db, journal, clock })
    const ledger = stack.use(await WorkerLedger.start({ clock, log, journal, file }))
    const grants = new GrantReader({ db, journal })
    const refused = await RefusedBefore.open({ db, clock, journal })
    const links = new Links({
      clock,
      catalogue,
      ledger,
      grants,
      keys,
      refused,
      hasWebSeed: false,
      publicUrl,
      trackerUrl: publicUrl,
    })
    const services = {
      clock,
      log,
      db,
      catalogue,
      ledger,
      grants,
      links,
      keys,
      guests: new Guests({ db, journal, clock }),
      publicUrl,
    } as unknown as Services
    return new AccessWorld(services, clock, stack.move())
  }

  async bundle(title: string, draft: { owner: string; audience: readonly string[] }): Promise<Slug> {
    const made = await this.services.catalogue.createBundle({ title, description: '', tags: [], ...draft })
    return slugOf(made.bundle)
  }

  /** A release of a file, or of a folder of so many; live unless it says otherwise. */
  async release(
    bundle: Slug,
    options: { files?: number; isLive?: boolean } = {},
  ): Promise<{ name: ReleaseName; infohash: InfoHash }> {
    this.clock.advance(seconds(1))
    const content = `content ${this.clock.epoch()}`
    const paths = Array.from({ length: options.files ?? 0 }, (_, i) => `${i}`)
    const torrent = options.files === undefined ? torrentNamed(content) : torrentOfFolder(content, paths)
    const { catalogue } = this.services
    const { release } = await catalogue.addRelease({
      bundle,
      torrent: parseTorrent(torrent),
      notes: '',
      admit: 'any',
      rights: '',
      publishedBy: 'paula',
    })
    if (options.isLive !== false) await catalogue.happen(release.infohash, { kind: 'complete' }, 'origin')
    return { name: releaseName(release.name), infohash: release.infohash }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync()
  }
}
