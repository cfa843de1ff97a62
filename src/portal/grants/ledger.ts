/**
 * The ledger of grants: issued, renewed, revoked, each with its audit row (and its control event where
 * trackers must know) in the same transaction. It is the one busy writer, so it commits in groups off the
 * event loop: `worker-ledger.ts` collects, `ledger-worker.ts` commits in a thread of its own, and a caller is
 * answered after the commit that holds its act.
 */
import type { GrantId, InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import type { EpochMillis } from '../../core/units.ts'

/** One act. Plain data: it crosses to the worker thread. */
export type LedgerAct =
  | {
      readonly kind: 'issue'
      readonly id: GrantId
      readonly infohash: InfoHash
      readonly bundle: Slug
      readonly release: ReleaseName
      readonly forUser: string
      readonly issuedBy: string
      readonly issuedAt: EpochMillis
      readonly expiresAt: EpochMillis
      readonly peersMax: number
      readonly kid: string
      readonly webSeed?: boolean
      /** The grant that this one renews. */
      readonly renews?: GrantId
    }
  | { readonly kind: 'revoke'; readonly id: GrantId; readonly at: EpochMillis; readonly by: string }
  | { readonly kind: 'revoke-user'; readonly user: string; readonly at: EpochMillis; readonly by: string }

/**
 * How many grants the act touched. `issue`: 0 when it renews one that is revoked, or is for somebody who is disabled. `revoke`: the grant and all that
 * were renewed from it or to it, since these are one permission; 0 when nothing of it was good any more.
 */
export type LedgerResult =
  | { readonly touched: number }
  /** `reason`: what the system refused, in words to show. */
  | { readonly failure: string; readonly reason?: string }

export interface GroupResult {
  readonly results: readonly LedgerResult[]
  /** Control events were committed: whoever waits for them is to be woken. */
  readonly hasEvents: boolean
}

export interface GrantLedger extends AsyncDisposable {
  /**
   * Resolves when the act is on the disk, with how many grants it touched.
   * @throws ShoalError `unavailable` when the queue is full or the writer died: whether an act that was under
   * way is on the disk is then unknown, but no grant of it was handed out.
   */
  commit(act: LedgerAct): Promise<number>
  readonly isReady: boolean
}
