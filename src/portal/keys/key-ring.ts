/**
 * The portal's keys in use. One grant key signs; the next one is published already, so that whoever verifies
 * knows it before its first grant; old ones verify until their last grant has expired.
 */
import { ShoalError } from '../../core/errors.ts'
import { type EpochMillis, type Millis, minutes } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'
import { type Jwks, type PublicKey, zPublicKey } from '../../wire/keys.ts'
import { signKeyDocument } from '../../wire/key-document.ts'
import type { SigningKey } from '../../wire/signing-key.ts'
import type { GrantKeyInfo } from '../../wire/api.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database, GrantKeyRow } from '../database/tables.ts'
import type { Journal } from '../journal.ts'
import type { KeyFiles } from './key-files.ts'

export interface KeyRingParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly files: KeyFiles
  /** What the key document says: the portal's origin, and other `host:port`s of its links. */
  readonly portal: string
  readonly hosts: readonly string[]
  /** The certificate of the CA for devices, PEM. */
  readonly deviceCa: string
}

/** Keys that the document may list (`wire/keys.ts`), without the portal's and the link key. */
const DOCUMENT_GRANT_KEYS_MAX = 14
/** A link that was being made while its key became old is committed long before this. */
const OLD_KEY_REST = minutes(1)
/** So coarse is until when a key is needed, so that not each permit is a write. */
const NEEDED_STEP = minutes(60)

const fileOf = (kid: string): string => `grant-${kid}`

export class KeyRing {
  readonly #parts: KeyRingParts
  readonly portal: SigningKey
  readonly link: SigningKey
  #rows: readonly GrantKeyRow[] = []
  #verifying: ReadonlyMap<string, PublicKey> = new Map()
  #signing: SigningKey | undefined
  #document: Promise<Jwks> | undefined

  private constructor(parts: KeyRingParts, portal: SigningKey, link: SigningKey) {
    this.#parts = parts
    this.portal = portal
    this.link = link
  }

  /**
   * Loads the keys, or makes them at the first start.
   * @throws ShoalError `unavailable` when keys are missing that the database knows: without them nobody would
   *   recognise this portal, so they are never silently made anew.
   */
  static async open(parts: KeyRingParts): Promise<KeyRing> {
    const known = await parts.db.selectFrom('grant_keys').select('kid').execute()
    const one = async (name: 'portal' | 'link'): Promise<SigningKey> => {
      const there = await parts.files.load(name)
      if (there !== undefined) return there
      if (known.length > 0) throw missing(name)
      return parts.files.create(name, () => name)
    }
    const ring = new KeyRing(parts, await one('portal'), await one('link'))
    if (known.length === 0) await ring.#publishNext()
    await ring.#load()
    if (ring.#signing === undefined) await ring.rotate('first start') // the one just published signs
    return ring
  }

  /** Signs grants now. */
  get grant(): SigningKey {
    if (this.#signing === undefined) throw new ShoalError('unavailable', 'there is no key that signs grants')
    return this.#signing
  }

  /** The same, to sign something that is no grant and is good until then: the key is kept as long. */
  async grantUntil(until: EpochMillis): Promise<SigningKey> {
    const key = this.grant
    const needed = Math.ceil(until / NEEDED_STEP) * NEEDED_STEP
    if ((this.#rows.find((row) => row.kid === key.kid)?.needed_until ?? 0) >= needed) return key
    await this.#parts.db
      .updateTable('grant_keys')
      .set({ needed_until: needed })
      .where('kid', '=', key.kid)
      .where((eb) => eb.or([eb('needed_until', 'is', null), eb('needed_until', '<', needed)]))
      .execute()
    this.#rows = await this.#parts.db.selectFrom('grant_keys').selectAll().execute()
    return key
  }

  /** Those whose grants are good, by kid. */
  get grantKeys(): ReadonlyMap<string, PublicKey> {
    return this.#verifying
  }

  /** In the order in which they sign: the next one last. */
  list(): GrantKeyInfo[] {
    const order = { old: 0, signing: 1, next: 2 }
    return this.#rows
      .toSorted((a, b) => order[a.state] - order[b.state] || (a.signing_since ?? 0) - (b.signing_since ?? 0))
      .map(({ kid, state, signing_since: since }) => ({
        kid,
        state,
        signingSince: since === null ? null : isoTime(since),
      }))
  }

  document(): Promise<Jwks> {
    this.#document ??= this.#signDocument()
    return this.#document
  }

  /** The next key signs from now on, and the one after it is published. Grants of the old stay good. */
  async rotate(by: string): Promise<void> {
    const at = this.#parts.clock.epoch()
    await this.#publishNext(async (tx) => {
      await tx
        .updateTable('grant_keys')
        .set({ state: 'old', signed_until: at })
        .where('state', '=', 'signing')
        .execute()
      await tx
        .updateTable('grant_keys')
        .set({ state: 'signing', signing_since: at })
        .where('state', '=', 'next')
        .execute()
    }, by)
    await this.#load()
  }

  /** A leaked key: its grants are refused from now on. The signing one gives way to the next first. */
  async retire(kid: string, by: string): Promise<void> {
    const row = this.#rows.find((key) => key.kid === kid)
    if (row === undefined) throw new ShoalError('not-found', 'no such grant key')
    if (row.state === 'signing') await this.rotate(by)
    if (row.state === 'next') await this.#publishNext(undefined, by)
    await this.#forget(kid, by)
    await this.#load()
  }

  /** Rotates when the signing key is older than `life`, and forgets old keys whose grants have all expired. */
  async maintain(life: Millis): Promise<void> {
    const now = this.#parts.clock.epoch()
    const signing = this.#rows.find((row) => row.state === 'signing')
    if (signing !== undefined && (signing.signing_since ?? now) + life <= now) await this.rotate('schedule')
    for (const row of this.#rows) {
      if (row.state !== 'old' || now - (row.signed_until ?? now) < OLD_KEY_REST) continue
      if ((row.needed_until ?? 0) > now - limits.clockLeeway) continue
      if (!(await this.#isUsed(row.kid))) await this.#forget(row.kid, 'schedule')
    }
    await this.#load()
  }

  /** Has it signed a grant that is still good? */
  async #isUsed(kid: string): Promise<boolean> {
    const after = this.#parts.clock.epoch() - limits.clockLeeway
    for (const table of ['grants', 'serving_grants'] as const) {
      const query = this.#parts.db.selectFrom(table).select('id')
      const live = query.where('kid', '=', kid).where('expires_at', '>', after).limit(1)
      if ((await live.executeTakeFirst()) !== undefined) return true
    }
    return false
  }

  /** A new key on the disk, then in the table and the feed, with what `beside` writes in the same transaction. */
  async #publishNext(
    beside?: (tx: Parameters<Parameters<Journal['change']>[0]>[0]) => Promise<void>,
    by = 'first start',
  ): Promise<void> {
    const key = await this.#parts.files.create('grant', fileOf)
    await this.#parts.journal.change(async (tx, notes) => {
      await beside?.(tx)
      await tx
        .insertInto('grant_keys')
        .values({
          kid: key.kid,
          public_jwk: JSON.stringify(key.publicKey),
          state: 'next',
          signing_since: null,
          signed_until: null,
          needed_until: null,
        })
        .execute()
      notes.audit({ actor: by, action: 'grant-key-published', subject: key.kid })
      notes.event({ kind: 'grant-key', key: key.publicKey })
    })
  }

  async #forget(kid: string, by: string): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      await tx.deleteFrom('grant_keys').where('kid', '=', kid).execute()
      notes.audit({ actor: by, action: 'grant-key-retired', subject: kid })
      notes.event({ kind: 'grant-key-retired', kid })
    })
    await this.#parts.files.remove(fileOf(kid))
  }

  async #load(): Promise<void> {
    this.#rows = await this.#parts.db.selectFrom('grant_keys').selectAll().execute()
    this.#verifying = new Map(
      this.#rows.map((row) => [row.kid, zPublicKey.parse(JSON.parse(row.public_jwk))] as const),
    )
    const signing = this.#rows.find((row) => row.state === 'signing')
    if (signing !== undefined && signing.kid !== this.#signing?.kid) {
      const key = await this.#parts.files.load(fileOf(signing.kid))
      if (key === undefined) throw missing(fileOf(signing.kid))
      this.#signing = key
    }
    this.#document = undefined
  }

  #signDocument(): Promise<Jwks> {
    const order = { signing: 0, next: 1, old: 2 }
    const grantKeys = this.#rows
      .toSorted((a, b) => order[a.state] - order[b.state] || (b.signed_until ?? 0) - (a.signed_until ?? 0))
      .slice(0, DOCUMENT_GRANT_KEYS_MAX)
      .flatMap((row) => this.#verifying.get(row.kid) ?? [])
    return signKeyDocument(
      {
        portal: this.#parts.portal,
        hosts: [...this.#parts.hosts],
        keys: [this.portal.publicKey, this.link.publicKey, ...grantKeys],
        deviceCa: this.#parts.deviceCa,
        issuedAt: new Date(this.#parts.clock.epoch()).toISOString(),
      },
      this.portal,
    )
  }
}

function missing(name: string): ShoalError {
  return new ShoalError('unavailable', `keys/${name}.jwk.json is missing: restore it from a backup`)
}
