/**
 * The portal's tables as Kysely sees them. Times are milliseconds since 1970; lists are JSON texts. What has a
 * type of `core` was checked when it was written: this database is ours alone.
 */
import type { Generated, Kysely, Transaction } from 'kysely'
import type { DeviceId, GrantId, InfoHash, PeerId, ReleaseName, Slug } from '../../core/ids.ts'
import type { IpAddress } from '../../core/address.ts'
import type { Kind } from '../../core/kinds.ts'
import type { LearningTableRow, XapiRow } from './learning-tables.ts'
import type { FigureRow, FigureSessionRow, FigureTotalRow, HolderRow } from './figure-tables.ts'
import type { PersonRole, ReleaseState, RequestState, Role } from '../../wire/api.ts'
import type { DraftFileRow, DraftRow } from './publishing-tables.ts'
import type { PosterRow, ReleaseMediaRow } from './media-tables.ts'

export interface BundleRow {
  id: Generated<number>
  slug: Slug
  title: string
  description: string
  /** JSON list; `bundle_tags` has the same to filter by. */
  tags: string
  owner: string
  /** JSON list; `bundle_audience` has the same to filter by. */
  audience: string
  updated_at: number
  /** The title as lists are sorted by it. */
  title_key: string
  /** Of its newest live release; `bundle_lists` has the same to filter by. */
  kind: Generated<Kind>
}

export interface ReleaseRow {
  id: Generated<number>
  bundle_id: number
  name: ReleaseName
  state: ReleaseState
  reason: string | null
  infohash: InfoHash
  size_bytes: number
  piece_length: number
  content_name: string
  /** 0 or 1. */
  is_single_file: number
  notes: string
  admit: 'any' | 'ours'
  rights: string
  published_at: number
  published_by: string
  /** When it is recalled by itself. */
  expires_at: number | null
  /** By the names of its files. */
  kind: Generated<Kind>
}

/** Apart from `releases`, so that a list never reads megabytes of hashes. */
export interface ReleaseContentRow {
  release_id: number
  /** The raw info bytes, whose SHA-1 is the infohash. */
  info: Uint8Array
  /** JSON: `{path, sizeBytes}` each, in the order of the torrent. */
  files: string
}

export interface GrantRow {
  id: GrantId
  infohash: InfoHash
  bundle: Slug
  release: ReleaseName
  for_user: string
  issued_by: string
  issued_at: number
  expires_at: number
  revoked_at: number | null
  peers_max: number
  kid: string
  /** 0 or 1: it opens the web seed too. */
  web_seed: number
}

/** `id` was issued to go on where `renews` ends. */
export interface GrantRenewalRow {
  id: GrantId
  renews: GrantId
}

export interface AuditTableRow {
  seq: Generated<number>
  at: number
  actor: string
  action: string
  subject: string
  detail: string
}

export interface EventRow {
  seq: Generated<number>
  at: number
  /** 1: for service tokens only. */
  is_service: number
  /** JSON of a ControlEvent. */
  body: string
}

export interface TokenRow {
  id: string
  /** SHA-256 of the token, hex. */
  hash: string
  name: string
  role: Role
  user: string
  groups: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
}

/** See `grants/serving-grants.ts`. */
export interface ServingGrantRow {
  id: GrantId
  token_id: string
  user: string
  kid: string
  expires_at: number
  revoked_at: number | null
}

/** See `grants/refused-before.ts`. `value`: an infohash, a kid, or empty for `all`. */
export interface RefusedBeforeRow {
  scope: 'all' | 'key' | 'release'
  value: string
  before: number
}

/** `next` is published and does not sign yet; `old` signs no more, and its grants are still good. */
export interface GrantKeyRow {
  kid: string
  public_jwk: string
  state: 'next' | 'signing' | 'old'
  signing_since: number | null
  signed_until: number | null
  /** For what is no grant: permits. */
  needed_until: number | null
}

export interface DeviceRow {
  id: DeviceId
  name: string
  user: string
  /** 0 or 1. */
  is_origin: number
  enrolled_at: number
  /** When its newest certificate ends. */
  certified_until: number
  revoked_at: number | null
  /** The token that enrolled it, as `tokens.id`. */
  token_id: string | null
}

export interface PersonRow {
  name: string
  display_name: string
  email: string
  role: PersonRole
  /** Argon2id in its own text form; null until one was chosen. */
  password: string | null
  created_at: number
  disabled_at: number | null
  last_seen_at: number | null
}

export interface GroupRow {
  name: string
  description: string
  created_at: number
}

export interface MembershipRow {
  person: string
  group_name: string
  /** `company`: the company's login named it, and may name it no more at the next sign-in. */
  source: Generated<'portal' | 'company'>
}

/** By whom the company's login means a person; see `people/arrivals.ts`. */
export interface IdentityRow {
  issuer: string
  subject: string
  person: string
}

/** Of a bundle: its audience as published, and guests. */
export interface AudienceRow {
  bundle_id: number
  name: string
  /** Who let a guest in; null for the audience as published. */
  admitted_by: string | null
  /** Of a guest: when it ends; null without an end. */
  until: number | null
}

/** By slug, whether there is such a bundle or not: who asks is not told. */
export interface RequestRow {
  id: string
  slug: Slug
  person: string
  reason: string
  state: RequestState
  asked_at: number
  answered_at: number | null
  answered_by: string | null
  answer: string
  granted_to: string | null
  until: number | null
  /** 0 or 1: the person has been told of the answer. */
  is_told: number
}

/** See `grants/sealed-links.ts`. */
export interface SealedLinkRow {
  /** SHA-256 of the code, hex. */
  hash: string
  grant_id: GrantId
  salt: Uint8Array
  sealed: Uint8Array
  expires_at: number
}

/** See `people/invitations.ts`. */
export interface InvitationRow {
  /** SHA-256 of the code, hex. */
  hash: string
  person: string
  expires_at: number
}

export interface Tables {
  drafts: DraftRow
  draft_files: DraftFileRow
  bundles: BundleRow
  bundle_tags: { bundle_id: number; tag: string }
  bundle_audience: AudienceRow
  requests: RequestRow
  sealed_links: SealedLinkRow
  /** See `feeds/feeds.ts`; `hash`: SHA-256 of the token, hex. */
  feeds: { hash: string; person: string; created_at: number }
  /** `list`: see `catalogue/bundle-lists.ts`; the rest is the bundle's. */
  bundle_lists: { list: string; updated_at: number; bundle_id: number; title_key: string }
  /** FTS5; `rowid` is the bundle's id. */
  bundle_search: {
    rowid: number
    slug: string
    title: string
    description: string
    tags: string
    files: string
  }
  /** See `catalogue/words.ts`. */
  word_variants: { variant: string; word: string }
  releases: ReleaseRow
  release_contents: ReleaseContentRow
  release_media: ReleaseMediaRow
  posters: PosterRow
  learning: LearningTableRow
  xapi_outbox: XapiRow
  grants: GrantRow
  grant_renewals: GrantRenewalRow
  serving_grants: ServingGrantRow
  refused_before: RefusedBeforeRow
  audit: AuditTableRow
  events: EventRow
  tokens: TokenRow
  /** What the control feed says that origins and mirrors serve. */
  serving: { peer_id: PeerId; infohash: InfoHash; role: 'origin' | 'mirror'; host: IpAddress; port: number }
  grant_keys: GrantKeyRow
  devices: DeviceRow
  people: PersonRow
  groups: GroupRow
  memberships: MembershipRow
  identities: IdentityRow
  invitations: InvitationRow
  figure_sessions: FigureSessionRow
  figure_hours: FigureRow
  figure_days: FigureRow
  figure_totals: FigureTotalRow
  holders: HolderRow
  /** `person`: who is signed in by name; null for a token or a one-time link. */
  sessions: { sid: string; data: string; expires_at: number; person: string | null }
  /** Single values: `sites`, `epoch`. */
  facts: { name: string; value: string }
}

export type Database = Kysely<Tables>
/** Inside one transaction; whatever reads or writes takes part in it. */
export type Tx = Transaction<Tables>
