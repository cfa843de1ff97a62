/** What an examination from a client's place found out; `diagnose.ts` says what it means. */
import type { Endpoint, IpAddress } from '../../core/address.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { EpochMillis } from '../../core/units.ts'
import type { DialOutcome } from '../../platform/dial-probe.ts'
import type { AnnounceReply } from '../../wire/announce.ts'

export interface PortalFacts {
  readonly url: string
  /** `other`: somebody answers who is no portal of Shoal. */
  readonly answer: 'shoal' | 'other' | 'none'
  /** Why there is none, as a sentence. */
  readonly reason?: string
  /** The certificate's fault as OpenSSL names it, when that is what stopped us. */
  readonly tlsFault?: string
  /** Only of https: whether what the system trusts, as stock clients do, is enough; undefined when it could not be told. */
  readonly isTrustedBySystem?: boolean | undefined
  /** The portal's clock less ours, in milliseconds of either sign; known to a second. */
  readonly clockAheadMs?: number
}

export interface LinkFacts {
  /** Why nothing could be made of it. */
  readonly refusal?: { readonly code: ErrorCode; readonly sentence: string }
  /** By its own words, not verified. */
  readonly grantExpiresAt?: EpochMillis
}

export interface TrackerFacts {
  /** Without its query, which has the grant. */
  readonly url: string
  readonly outcome:
    | { readonly kind: 'reply'; readonly reply: AnnounceReply }
    | { readonly kind: 'refused'; readonly reason: string }
    | { readonly kind: 'unreachable'; readonly reason: string; readonly tlsFault?: string }
  /** As the portal's; only of a tracker elsewhere. */
  readonly isTrustedBySystem?: boolean | undefined
}

export interface PortFacts {
  readonly port: number
  /** Undefined: the tracker could not or would not try. */
  readonly isReachable: boolean | undefined
  /** Where the tracker sees us. */
  readonly host?: IpAddress
}

export interface PeerFacts {
  readonly at: Endpoint
  readonly isHere: boolean
  readonly outcome: DialOutcome
}

export interface TransferFacts {
  /** Verified. */
  readonly haveBytes: number
  readonly isComplete: boolean
  readonly banned: readonly { readonly address: IpAddress; readonly reason: string }[]
  readonly failure?: string
}

export interface Facts {
  readonly now: EpochMillis
  readonly portal?: PortalFacts
  readonly link?: LinkFacts
  readonly tracker?: TrackerFacts
  readonly port?: PortFacts
  readonly peers?: readonly PeerFacts[]
  readonly transfer?: TransferFacts
}
