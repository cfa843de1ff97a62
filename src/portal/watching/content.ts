/**
 * Bytes of a release for a person who watches it, over HTTP, by their session: of one of its files for the player, of all of it for
 * the page that fetches ahead. What is played is asked of the server only when colleagues have it not, so there is no standing
 * back; what one person may have in a day is bounded.
 */
import type { IpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import { FileLayout, PieceLayout } from '../../core/piece-layout.ts'
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { ByteRange } from '../../wire/byte-range.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import type { Catalogue, StoredRelease } from '../catalogue/catalogue.ts'
import type { WebSeedTally } from '../figures/web-seed-tally.ts'
import { isPlayable } from './media-type.ts'
import type { StretchSource } from '../http/send-stretches.ts'
import type { WebSeedContent } from '../web-seed/content.ts'
import { type FileTable, FileTables } from '../web-seed/file-tables.ts'
import { type WebSeedShare, WebSeedShares } from '../web-seed/shares.ts'

export interface WatchContentParts {
  readonly clock: Clock
  readonly catalogue: Pick<Catalogue, 'files'>
  readonly content: WebSeedContent
  readonly transfers: { readonly webSeeds: Pick<WebSeedTally, 'sent'> }
}

/** A file of a release, or all of it: where it lies, and what it is called. */
export interface Watchable {
  readonly release: StoredRelease
  /** Undefined: all files, one after the other. */
  readonly file: number | undefined
  /** Of the file. */
  readonly path: string
  readonly sizeBytes: number
  readonly etag: string
  readonly layout: FileLayout
}

export class WatchContent {
  readonly #parts: WatchContentParts
  readonly #tables: FileTables
  readonly #shares: WebSeedShares

  constructor(parts: WatchContentParts) {
    this.#parts = parts
    this.#tables = new FileTables(parts)
    this.#shares = new WebSeedShares(parts, {
      copiesMax: limits.watchCopiesPerDayMax,
      answersMax: limits.watchAnswersPerPersonMax,
      allAnswersMax: limits.watchAnswersMax,
      sentence: `you have had ${limits.watchCopiesPerDayMax} times the size of this release from the server today: the rest is your colleagues' to give, or fetch it whole`,
    })
  }

  /** @throws ShoalError `not-found`. */
  async find(release: StoredRelease, file: number | undefined): Promise<Watchable> {
    const table = await this.#tables.of(release)
    const { infohash, sizeBytes, pieceLengthBytes } = release
    if (file === undefined) {
      const layout = new FileLayout(new PieceLayout(sizeBytes, pieceLengthBytes), [sizeBytes])
      return { release, file, path: '', sizeBytes, etag: `"${infohash}"`, layout }
    }
    const path = pathOf(table, file)
    const size = table.sizes[file]
    if (path === undefined || size === undefined) throw new ShoalError('not-found', 'no such file')
    return { release, file, path, sizeBytes: size, etag: `"${infohash}-${file}"`, layout: table.layout }
  }

  /** How many of its files browsers may play, by their names; of very many only that there are more than one. */
  async playable(release: StoredRelease): Promise<number> {
    let count = 0
    for (const path of (await this.#tables.of(release)).byPath.keys())
      if (isPlayable(path) && ++count > 1) break
    return count
  }

  /** To be disposed of when the answer is over. @throws HttpRefusal as `WebSeedShares.open` says. */
  takeShare({ release }: Watchable, { user }: Account, gone: AbortSignal): Promise<WebSeedShare> {
    const day = hours(24)
    const expiresAt = Math.ceil(this.#parts.clock.epoch() / day) * day
    const id = `${user} ${release.infohash} ${expiresAt}`
    return this.#shares.open({ id, expiresAt, sizeBytes: release.sizeBytes }, gone)
  }

  /** `mayStill` is asked while an answer goes on. */
  sourceOf(
    { release, file, layout }: Watchable,
    { end }: ByteRange,
    { to, mayStill }: { readonly to: IpAddress | undefined; readonly mayStill: () => Promise<void> },
  ): StretchSource {
    const { content, transfers } = this.#parts
    return {
      read: async (at, gone) => {
        const until = Math.min(end, at + limits.webSeedStretchBytesMax)
        const stretch = layout.stretchOf(file ?? 0, at, until)
        return stretch === undefined ? undefined : await content.read(release.infohash, stretch, gone)
      },
      sent: (bytes) => {
        transfers.webSeeds.sent(release.infohash, to, bytes)
      },
      mustStillBeGood: mayStill,
    }
  }
}

function pathOf({ byPath }: FileTable, file: number): string | undefined {
  for (const [path, index] of byPath) if (index === file) return path
  return undefined
}
