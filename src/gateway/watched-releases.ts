/**
 * What the gateway serves: asks the portal every two seconds what is watched, finds the content and a grant for what is
 * new, and drops what nobody has watched for ten minutes and no browser is connected for. There are never more than the
 * portal names at a time. While it does not answer, all stays as it is.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { millis, minutes, seconds, type Millis } from '../core/units.ts'
import { sleep } from '../platform/clock.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Watched } from '../wire/api-watch.ts'
import { limits } from '../wire/limits.ts'
import { HeldLink, type HeldLinkParts } from './held-link.ts'
import type { Serve } from './messages.ts'

/** What is served of a release, and where it lies. */
export type GatewayContent = Pick<Serve, 'info' | 'folder' | 'from'>

export interface WatchedReleasesParts extends HeldLinkParts {
  readonly portal: Pick<PortalClient, 'watching' | 'createLink' | 'renewGrant'>
  /** Undefined for what is not here, or not for browsers. */
  readonly contentOf: (watched: Watched, signal: AbortSignal) => Promise<GatewayContent | undefined>
  readonly serve: (release: Serve) => void
  readonly renew: (infoHash: InfoHash, announceUrls: string[]) => void
  /** Also of what was looked for and never served: whatever was kept for it may go. */
  readonly drop: (infoHash: InfoHash) => void
  /** Browsers that are connected for it. */
  readonly peersOf: (infoHash: InfoHash) => number
}

const ASK_EVERY = seconds(2)
const RETRY = seconds(5)
/** A release that cannot be served is looked at again after this: its files may come, or its portal's mind change. */
const LOOK_AGAIN = minutes(1)

export class WatchedReleases implements AsyncDisposable {
  readonly #parts: WatchedReleasesParts
  /** What was watched longest ago first. */
  readonly #held = new Map<InfoHash, HeldLink>()
  /** Not to be looked at before this reading of the clock. */
  readonly #notBefore = new Map<InfoHash, Millis>()
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #isFailing = false

  constructor(parts: WatchedReleasesParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#held.size
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** It could not be served, or its grant is refused: another try, with another grant, after a while. */
  putAside(infoHash: InfoHash): void {
    this.#drop(infoHash)
    this.#notBefore.set(infoHash, millis(this.#parts.clock.now() + LOOK_AGAIN))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new ShoalError('interrupted', 'the gateway is stopping'))
    await this.#running
    for (const link of this.#held.values()) link[Symbol.dispose]()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const wait = (await this.#look(signal)) ? ASK_EVERY : RETRY
      await sleep(this.#parts.clock, wait, signal).catch(() => undefined)
    }
  }

  /** False when the portal does not answer. Never rejects. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { portal, log } = this.#parts
    let items: readonly Watched[]
    try {
      items = (await portal.watching(signal)).items
    } catch (error) {
      if (!this.#isFailing && !signal.aborted)
        log.warn({ reason: messageOf(error) }, 'the portal does not say what is watched; trying again')
      this.#isFailing = true
      return false
    }
    this.#isFailing = false
    const watched = new Set(items.map(({ infohash }) => infohash))
    for (const [infoHash, link] of [...this.#held])
      if (watched.has(infoHash)) {
        this.#held.delete(infoHash)
        this.#held.set(infoHash, link)
      } else if (this.#parts.peersOf(infoHash) === 0) this.#drop(infoHash)
    for (const infoHash of [...this.#notBefore.keys()])
      if (!watched.has(infoHash)) this.#notBefore.delete(infoHash)
    for (const item of items) if (!signal.aborted) await this.#take(item, watched, signal)
    return true
  }

  async #take(watched: Watched, all: ReadonlySet<InfoHash>, signal: AbortSignal): Promise<void> {
    const { infohash } = watched
    const { clock, log, contentOf, serve, renew } = this.#parts
    if (this.#held.has(infohash) || clock.now() < (this.#notBefore.get(infohash) ?? 0)) return
    try {
      const content = await contentOf(watched, signal)
      if (content === undefined) {
        this.putAside(infohash)
        return
      }
      if (!this.#makeRoom(all)) throw new ShoalError('over-limit', 'more is watched than can be served')
      const on = {
        renewed: () => renew(infohash, link.announceUrls),
        refused: () => this.putAside(infohash),
      }
      const link: HeldLink = await HeldLink.take(this.#parts, watched, on, signal)
      this.#held.set(infohash, link)
      serve({ kind: 'serve', infohash, announceUrls: link.announceUrls, ...content })
      log.info({ infohash, bundle: watched.bundle, release: watched.release }, 'served to browsers')
    } catch (error) {
      if (signal.aborted) return
      log.warn({ infohash, reason: messageOf(error) }, 'a release is not served to browsers')
      if (!this.#held.has(infohash)) this.#parts.drop(infohash)
      this.putAside(infohash)
    }
  }

  /** What nobody watches goes, connected or not: the pages left there play on from colleagues and by HTTP. */
  #makeRoom(watched: ReadonlySet<InfoHash>): boolean {
    if (this.#held.size < limits.watchedReleasesMax) return true
    const oldest = [...this.#held.keys()].find((infoHash) => !watched.has(infoHash))
    if (oldest !== undefined) this.#drop(oldest)
    return oldest !== undefined
  }

  #drop(infoHash: InfoHash): void {
    const link = this.#held.get(infoHash)
    if (link === undefined) return
    this.#held.delete(infoHash)
    link[Symbol.dispose]()
    this.#parts.drop(infoHash)
  }
}
