/**
 * Acts of the ledger, written. Plain SQL over prepared statements: it runs a thousand times a second in the
 * worker, where the query layer would cost more than SQLite does.
 */
import type { Database, Statement } from 'better-sqlite3'
import { messageOf, unreachable } from '../../core/errors.ts'
import { systemSentence } from '../../platform/system-sentence.ts'
import { limits } from '../../wire/limits.ts'
import type { ControlEvent } from '../../wire/control.ts'
import type { GrantId } from '../../core/ids.ts'
import type { GroupResult, LedgerAct, LedgerResult } from './ledger.ts'

interface LiveGrant {
  readonly id: GrantId
  readonly expires_at: number
}

export class LedgerCommit {
  readonly #db: Database
  readonly #issue: Statement
  readonly #revoke: Statement
  readonly #renew: Statement
  readonly #isRevoked: Statement
  readonly #isDisabled: Statement
  readonly #liveOfLine: Statement<unknown[], LiveGrant>
  readonly #liveOfUser: Statement<unknown[], LiveGrant>
  readonly #revokeServing: Statement<unknown[], LiveGrant>
  readonly #audit: Statement
  readonly #event: Statement
  #events = 0

  /** The schema must be there. */
  constructor(db: Database) {
    this.#db = db
    this.#issue = db.prepare(
      `insert into grants (id, infohash, bundle, release, for_user, issued_by, issued_at, expires_at, peers_max, kid, web_seed)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#revoke = db.prepare('update grants set revoked_at = ? where id = ?')
    this.#renew = db.prepare('insert into grant_renewals (id, renews) values (?, ?)')
    this.#isRevoked = db.prepare('select 1 from grants where id = ? and revoked_at is not null')
    this.#isDisabled = db.prepare('select 1 from people where name = ? and disabled_at is not null')
    this.#liveOfLine = db.prepare(
      `with recursive line (id) as (
         select ?
         union select r.id from grant_renewals r join line on r.renews = line.id
         union select r.renews from grant_renewals r join line on r.id = line.id)
       select g.id, g.expires_at from line join grants g on g.id = line.id where g.revoked_at is null
       order by g.issued_at`,
    )
    this.#liveOfUser = db.prepare(
      'select id, expires_at from grants where for_user = ? and revoked_at is null and expires_at > ?',
    )
    this.#revokeServing = db.prepare(
      `update serving_grants set revoked_at = ? where user = ? and revoked_at is null and expires_at > ?
       returning id, expires_at`,
    )
    this.#audit = db.prepare('insert into audit (at, actor, action, subject, detail) values (?, ?, ?, ?, ?)')
    this.#event = db.prepare('insert into events (at, is_service, body) values (?, 0, ?)')
  }

  /** All acts in one transaction. One that fails spoils no other: then each has a transaction of its own. */
  commitGroup(acts: readonly LedgerAct[]): GroupResult {
    this.#events = 0
    let results: readonly LedgerResult[]
    try {
      results = this.#inTransaction(() => acts.map((act) => ({ touched: this.#apply(act) })))
    } catch {
      this.#events = 0
      results = acts.map((act) => this.#alone(act))
    }
    return { results, hasEvents: this.#events > 0 }
  }

  #alone(act: LedgerAct): LedgerResult {
    try {
      return this.#inTransaction(() => ({ touched: this.#apply(act) }))
    } catch (error) {
      const reason = systemSentence(error)
      return { failure: messageOf(error), ...(reason === undefined ? {} : { reason }) }
    }
  }

  #inTransaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate()
  }

  #apply(act: LedgerAct): number {
    switch (act.kind) {
      case 'issue':
        return this.#writeIssue(act)
      case 'revoke':
        return this.#revokeAll(this.#liveOfLine.all(act.id), act)
      case 'revoke-user':
        return this.#revokeOfUser(act)
      default:
        return unreachable(act)
    }
  }

  /** Here, and not only before: a revocation may have come in between, or somebody was disabled. */
  #writeIssue(act: LedgerAct & { kind: 'issue' }): 0 | 1 {
    if (this.#isDisabled.get(act.forUser) !== undefined) return 0
    if (act.renews !== undefined && this.#isRevoked.get(act.renews) !== undefined) return 0
    const { id, infohash, bundle, release, forUser, issuedBy, issuedAt, expiresAt, peersMax, kid } = act
    const webSeed = act.webSeed === true ? 1 : 0
    this.#issue.run(
      ...[id, infohash, bundle, release, forUser, issuedBy, issuedAt, expiresAt, peersMax, kid, webSeed],
    )
    if (act.renews !== undefined) this.#renew.run(id, act.renews)
    const until = new Date(expiresAt).toISOString()
    const peers = peersMax === limits.peersPerGrantDefault ? '' : `, ${peersMax} peers`
    const renewal = act.renews === undefined ? '' : `, renews ${act.renews}`
    const seed = webSeed === 1 ? ', with a web seed' : ''
    const detail = `${bundle}@${release} for ${forUser} until ${until}${peers}${seed}${renewal}`
    const action = act.renews === undefined ? 'grant-issued' : 'grant-renewed'
    this.#audit.run(issuedAt, issuedBy, action, id, detail)
    if (peersMax !== limits.peersPerGrantDefault)
      this.#tell(issuedAt, { kind: 'grant-peers', id, peersMax, until })
    return 1
  }

  /** Those of the machines that report as this person too. */
  #revokeOfUser(act: LedgerAct & { kind: 'revoke-user' }): number {
    const { user, at, by } = act
    const after = at - limits.clockLeeway
    const serving = this.#revokeServing.all(at, user, after)
    for (const grant of serving) this.#tellRevoked(grant, at, by)
    return serving.length + this.#revokeAll(this.#liveOfUser.all(user, after), act)
  }

  #revokeAll(grants: readonly LiveGrant[], { at, by }: { readonly at: number; readonly by: string }): number {
    for (const grant of grants) {
      this.#revoke.run(at, grant.id)
      this.#tellRevoked(grant, at, by)
    }
    return grants.length
  }

  #tellRevoked({ id, expires_at }: LiveGrant, at: number, by: string): void {
    this.#audit.run(at, by, 'grant-revoked', id, '')
    const until = new Date(expires_at + limits.clockLeeway).toISOString()
    this.#tell(at, { kind: 'grant-revoked', id, until })
  }

  #tell(at: number, event: ControlEvent): void {
    this.#event.run(at, JSON.stringify(event))
    this.#events++
  }
}
