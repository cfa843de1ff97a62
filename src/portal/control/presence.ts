/**
 * Who serves what: origins and mirrors report every minute, and a report holds for three. The leases are here in
 * memory; the database and the control feed hear of changes only. After a restart everybody has a fresh lease.
 */
import type { z } from 'zod'
import { sameEndpoint, type Endpoint, type IpAddress } from '../../core/address.ts'
import type { InfoHash, PeerId } from '../../core/ids.ts'
import { type Millis, millis, minutes } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { zPresence } from '../../wire/api.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Database } from '../database/tables.ts'
import type { Journal } from '../journal.ts'

/** How long a report holds. */
export const PRESENCE_LEASE = minutes(3)

type Role = 'origin' | 'mirror'
export type PresenceReport = Omit<z.output<typeof zPresence>, 'host' | 'port'> & { readonly at: Endpoint }

interface Server {
  readonly role: Role
  readonly at: Endpoint
  readonly leases: Map<InfoHash, Millis>
}

export interface PresenceParts {
  readonly db: Database
  readonly clock: Clock
  readonly journal: Journal
  readonly catalogue: Catalogue
}

/** An origin or mirror that has reported. */
export interface ServerNow {
  readonly role: Role
  readonly at: Endpoint
  /** How many it serves. */
  readonly releases: number
  /** For how long its last report holds still. */
  readonly leftMs: Millis
}

export class Presence {
  readonly #parts: PresenceParts
  readonly #servers = new Map<PeerId, Server>()
  /** One report at a time: each reads and changes what the next one reads. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(parts: PresenceParts) {
    this.#parts = parts
  }

  static async open(parts: PresenceParts): Promise<Presence> {
    const presence = new Presence(parts)
    for (const row of await parts.db.selectFrom('serving').selectAll().execute()) {
      const server = presence.#servers.get(row.peer_id) ?? {
        role: row.role,
        at: { host: row.host, port: row.port },
        leases: new Map<InfoHash, Millis>(),
      }
      server.leases.set(row.infohash, presence.#leaseEnd())
      presence.#servers.set(row.peer_id, server)
    }
    return presence
  }

  /** Resolves when the catalogue and the feed know. What it names that is nobody's, or recalled, is ignored. */
  report(report: PresenceReport, by: string): Promise<void> {
    return this.#inTurn(() => (report.stopping ? this.#drop(report.peerId) : this.#take(report, by)))
  }

  /** Who serves at this moment, origins first. */
  now(): readonly ServerNow[] {
    const now = this.#parts.clock.now()
    return [...this.#servers.values()]
      .map(({ role, at, leases }) => ({
        role,
        at,
        releases: leases.size,
        leftMs: millis(Math.max(0, ...[...leases.values()].map((end) => end - now))),
      }))
      .toSorted((a, b) => (a.role === b.role ? b.releases - a.releases : a.role === 'origin' ? -1 : 1))
  }

  /** As what, and where, it serves at this moment; undefined for one that has not reported. */
  serverOf(peerId: PeerId): { readonly role: Role; readonly at: Endpoint } | undefined {
    return this.#servers.get(peerId)
  }

  /** Where those of a role serve. Costs nothing by how much they serve. */
  hostsOf(role: Role): ReadonlySet<IpAddress> {
    const hosts = new Set<IpAddress>()
    for (const server of this.#servers.values()) if (server.role === role) hosts.add(server.at.host)
    return hosts
  }

  /** Drops what was not reported again in time. */
  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.#parts.clock.now()
      for (const [peerId, server] of this.#servers) {
        const over = [...server.leases].filter(([, end]) => end <= now).map(([infohash]) => infohash)
        if (over.length === server.leases.size) await this.#drop(peerId)
        else if (over.length > 0) await this.#forget(peerId, server, over)
      }
    })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined) // whoever asked for it hears of it
    return turn
  }

  async #take(report: PresenceReport, by: string): Promise<void> {
    await this.#dropPredecessors(report)
    const known = await this.#known([...report.complete, ...report.missing.map((item) => item.infohash)])
    const before = this.#servers.get(report.peerId)
    const hasMoved =
      before !== undefined && (before.role !== report.kind || !sameEndpoint(before.at, report.at))
    const server: Server = {
      role: report.kind,
      at: report.at,
      leases: before?.leases ?? new Map<InfoHash, Millis>(),
    }
    const gone = new Set(report.missing.map((item) => item.infohash))
    const complete = report.complete.filter((infohash) => known.has(infohash) && !gone.has(infohash))
    const fresh = complete.filter((infohash) => hasMoved || !server.leases.has(infohash))
    for (const infohash of complete) server.leases.set(infohash, this.#leaseEnd())
    this.#servers.set(report.peerId, server)
    if (hasMoved) await this.#announce(report.peerId, server, [...server.leases.keys()], hasMoved)
    else if (fresh.length > 0) await this.#announce(report.peerId, server, fresh, hasMoved)
    if (report.kind === 'origin') {
      for (const infohash of complete)
        if (known.get(infohash) !== 'live')
          await this.#parts.catalogue.happen(infohash, { kind: 'complete' }, by)
    }
    await this.#takeMissing(report, server, by)
  }

  /** One process listens on a port: who reported from there before has ended, perhaps without a word. */
  async #dropPredecessors({ peerId, at }: PresenceReport): Promise<void> {
    for (const [other, server] of this.#servers)
      if (other !== peerId && sameEndpoint(server.at, at)) await this.#drop(other)
  }

  async #takeMissing({ peerId, kind, missing }: PresenceReport, server: Server, by: string): Promise<void> {
    const lost = missing.map((item) => item.infohash).filter((infohash) => server.leases.has(infohash))
    if (lost.length > 0) await this.#forget(peerId, server, lost)
    for (const { infohash, reason } of missing) {
      if (kind === 'origin' && !this.#hasOrigin(infohash))
        await this.#parts.catalogue.happen(infohash, { kind: 'missing', reason }, by)
    }
  }

  /** State of each of these that a release has and that was not recalled. */
  async #known(infohashes: readonly InfoHash[]): Promise<ReadonlyMap<InfoHash, string>> {
    if (infohashes.length === 0) return new Map()
    const rows = await this.#parts.db
      .selectFrom('releases')
      .select(['infohash', 'state'])
      .where('infohash', 'in', infohashes)
      .where('state', '!=', 'recalled')
      .execute()
    return new Map(rows.map((row) => [row.infohash, row.state]))
  }

  /** A machine that is no origin serves all of it. */
  hasMirror(infohash: InfoHash): boolean {
    const now = this.#parts.clock.now()
    return this.#servers
      .values()
      .some(({ role, leases }) => role === 'mirror' && (leases.get(infohash) ?? 0) > now)
  }

  #hasOrigin(infohash: InfoHash): boolean {
    return this.#servers.values().some((server) => server.role === 'origin' && server.leases.has(infohash))
  }

  async #announce(
    peerId: PeerId,
    { role, at: { host, port } }: Server,
    infohashes: InfoHash[],
    hasMoved: boolean,
  ): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      if (hasMoved) {
        await tx.deleteFrom('serving').where('peer_id', '=', peerId).execute()
        notes.event({ kind: 'serves-not', peerId })
      }
      for (const infohash of infohashes) {
        await tx
          .insertInto('serving')
          .values({ peer_id: peerId, infohash, role, host, port })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
      if (infohashes.length > 0) notes.event({ kind: 'serves', peerId, role, host, port, infohashes })
    })
  }

  async #forget(peerId: PeerId, server: Server, infohashes: InfoHash[]): Promise<void> {
    for (const infohash of infohashes) server.leases.delete(infohash)
    await this.#parts.journal.change(async (tx, notes) => {
      await tx
        .deleteFrom('serving')
        .where('peer_id', '=', peerId)
        .where('infohash', 'in', infohashes)
        .execute()
      notes.event({ kind: 'serves-not', peerId, infohashes })
    })
  }

  async #drop(peerId: PeerId): Promise<void> {
    if (!this.#servers.delete(peerId)) return
    await this.#parts.journal.change(async (tx, notes) => {
      await tx.deleteFrom('serving').where('peer_id', '=', peerId).execute()
      notes.event({ kind: 'serves-not', peerId })
    })
  }

  #leaseEnd(): Millis {
    return millis(this.#parts.clock.now() + PRESENCE_LEASE)
  }
}
