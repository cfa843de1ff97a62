/** The grant with which one release is announced: of that release alone, an hour long, renewed while it is watched. */
import { epochMillis } from '../core/units.ts'
import type { Random } from '../core/random.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { GrantRenewer, type PortalClient } from '../portal-client/index.ts'
import type { Watched } from '../wire/api-watch.ts'
import { parseMagnet } from '../wire/magnet.ts'
import { ShoalError } from '../core/errors.ts'

export interface HeldLinkParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly portal: Pick<PortalClient, 'createLink' | 'renewGrant'>
  /** The tracker at another address of this machine, to try when the one of the link does not answer. */
  readonly localTracker?: string | undefined
}

const GRANT_SECONDS = 3_600
/** Its own address, and those of a machine that has two. */
const ADDRESSES_MAX = 4

export class HeldLink implements Disposable {
  readonly #parts: HeldLinkParts
  readonly #renewer: GrantRenewer

  private constructor(parts: HeldLinkParts, renewer: GrantRenewer) {
    this.#parts = parts
    this.#renewer = renewer
  }

  /** @throws ShoalError when the portal gives none. */
  static async take(
    parts: HeldLinkParts,
    { bundle, release }: Pick<Watched, 'bundle' | 'release'>,
    on: { readonly renewed: () => void; readonly refused: (reason: string) => void },
    signal: AbortSignal,
  ): Promise<HeldLink> {
    const order = { expiresInSeconds: GRANT_SECONDS, peersMax: ADDRESSES_MAX }
    const { magnet, grant } = await parts.portal.createLink(bundle, release, order, signal)
    const [announceUrl] = parseMagnet(magnet).trackers
    if (announceUrl === undefined) throw new ShoalError('bad-input', 'the link names no tracker')
    const renewer = new GrantRenewer(
      { ...parts, client: parts.portal, onRenewed: on.renewed, onRefused: on.refused },
      { id: grant.id, expiresAt: epochMillis(Date.parse(grant.expiresAt)), announceUrl },
    )
    renewer.start()
    return new HeldLink(parts, renewer)
  }

  /** Secrets: each holds the grant of the moment. */
  get announceUrls(): string[] {
    const { announceUrl } = this.#renewer
    const { localTracker } = this.#parts
    const path = /^https?:\/\/[^/]+(\/.*)$/i.exec(announceUrl)?.[1]
    return localTracker === undefined || path === undefined
      ? [announceUrl]
      : [announceUrl, `${localTracker}${path}`]
  }

  [Symbol.dispose](): void {
    this.#renewer.stop()
  }
}
