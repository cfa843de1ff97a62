/**
 * Devices: machines that hold a key of their own and a certificate of the portal's CA for it. Each belongs to the
 * account that enrolled it. A revoked one stays in the table for ever: its key is never certified again.
 */
import type { Selectable } from 'kysely'
import { ShoalError } from '../../core/errors.ts'
import type { DeviceId } from '../../core/ids.ts'
import { addMillis, epochMillis, hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Device, Enrolled, Enrolment } from '../../wire/device-api.ts'
import type { DeviceCa } from '../../wire/device-certificate.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database, DeviceRow, Tx } from '../database/tables.ts'
import type { Journal, Notes } from '../journal.ts'
import { endOfToken } from '../people/live-token.ts'

/** Short, since a device that is lost and never reported must not count for long; our programs renew at 80 %. */
const CERTIFICATE_LIFE = hours(30 * 24)

export interface DevicesParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly ca: DeviceCa
}

export class Devices {
  readonly #parts: DevicesParts

  constructor(parts: DevicesParts) {
    this.#parts = parts
  }

  /**
   * A certificate for the key that the request proves; the same key again gets a fresh one.
   * @throws ShoalError `bad-input` for a bad request, `not-granted` for a revoked device, `conflict` for a key that
   *   another account or another role enrolled, `over-limit` for an account with too many.
   */
  async enrol(account: Account, enrolment: Enrolment): Promise<Omit<Enrolled, 'token'>> {
    const { readCertificateRequest, issueCertificate } = await import('../../wire/device-certificate.ts')
    const { clock, ca, journal } = this.#parts
    const request = await readCertificateRequest(enrolment.request)
    const now = clock.epoch()
    const isOrigin = account.role === 'origin'
    const row: Selectable<DeviceRow> = {
      id: request.device,
      name: enrolment.name,
      user: account.user,
      is_origin: isOrigin ? 1 : 0,
      enrolled_at: now,
      certified_until: addMillis(now, CERTIFICATE_LIFE),
      revoked_at: null,
      token_id: account.tokenId ?? null,
    }
    const stored = await journal.change(async (tx, notes) => {
      const end = await endOfToken(tx, account.tokenId, now)
      // An origin's certificate opens every release by itself: it ends with the token that got it.
      if (isOrigin && end !== undefined && end < row.certified_until) row.certified_until = end
      const known = await find(tx, row.id)
      if (known === undefined) return this.#insert(tx, notes, row)
      mustBeTheSame(known, row)
      const { name, certified_until, token_id } = row
      await tx
        .updateTable('devices')
        .set({ name, certified_until, token_id })
        .where('id', '=', row.id)
        .execute()
      return { ...known, name, certified_until, token_id }
    })
    const certificate = await issueCertificate(ca, {
      request,
      isOrigin,
      from: now,
      until: epochMillis(stored.certified_until),
    })
    return { device: publicDevice(stored), certificate, ca: ca.certificate }
  }

  async #insert(tx: Tx, notes: Notes, row: Selectable<DeviceRow>): Promise<Selectable<DeviceRow>> {
    const { count } = await tx
      .selectFrom('devices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user', '=', row.user)
      .where('revoked_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (count >= limits.devicesPerUserMax)
      throw new ShoalError('over-limit', `${row.user} has ${count} devices: revoke those that are gone`)
    await tx.insertInto('devices').values(row).execute()
    const what = row.is_origin === 1 ? "an origin's device" : 'a device'
    notes.audit({
      actor: row.user,
      action: 'device-enrolled',
      subject: row.id,
      detail: `${what} "${row.name}"`,
    })
    return row
  }

  /** Newest first: of one account, or all. */
  async list(user: string | undefined): Promise<readonly Device[]> {
    const all = this.#parts.db.selectFrom('devices').selectAll().orderBy('enrolled_at', 'desc').orderBy('id')
    const rows = await (user === undefined ? all : all.where('user', '=', user)).limit(LISTED_MAX).execute()
    return rows.map(publicDevice)
  }

  /** Undefined when there is none of this id. */
  async find(id: DeviceId): Promise<Device | undefined> {
    const row = await find(this.#parts.db, id)
    return row === undefined ? undefined : publicDevice(row)
  }

  /** All clients and origins drop it within seconds. Harmless when repeated. @throws ShoalError `not-found`. */
  async revoke(id: DeviceId, by: string): Promise<void> {
    const { journal, clock } = this.#parts
    await journal.change(async (tx, notes) => {
      const row = await find(tx, id)
      if (row === undefined) throw new ShoalError('not-found', 'no such device')
      if (row.revoked_at !== null) return
      await revokeRow(tx, notes, { row, at: clock.epoch(), by })
      await tx.deleteFrom('tokens').where('name', '=', tokenNameOf(id)).where('user', '=', row.user).execute()
    })
  }
}

/** Of the API token that a device got for a code: it ends with the device. */
export const tokenNameOf = (id: DeviceId): string => `device ${id}`

/** Beyond what any screen shows; the API has no pages here. */
const LISTED_MAX = 10_000

function find(db: Database | Tx, id: DeviceId): Promise<Selectable<DeviceRow> | undefined> {
  return db.selectFrom('devices').selectAll().where('id', '=', id).executeTakeFirst()
}

function mustBeTheSame(known: Selectable<DeviceRow>, wanted: Selectable<DeviceRow>): void {
  if (known.revoked_at !== null) throw new ShoalError('not-granted', 'this device was revoked')
  if (known.user !== wanted.user || known.is_origin !== wanted.is_origin)
    throw new ShoalError('conflict', 'this device was enrolled by another account')
}

/**
 * An origin's certificate opens every release by itself, so it ends with the token that got it. Other devices are
 * worth what their permits are, and these need a token.
 */
export async function revokeOriginsOf(
  tx: Tx,
  notes: Notes,
  of: { readonly tokenId: string; readonly at: number; readonly by: string },
): Promise<void> {
  const rows = await liveDevices(tx).where('token_id', '=', of.tokenId).where('is_origin', '=', 1).execute()
  for (const row of rows) await revokeRow(tx, notes, { row, at: of.at, by: of.by })
}

/** All of a person's. Answers how many. */
export async function revokeDevicesOf(
  tx: Tx,
  notes: Notes,
  of: { readonly user: string; readonly at: number; readonly by: string },
): Promise<number> {
  const rows = await liveDevices(tx).where('user', '=', of.user).execute()
  for (const row of rows) await revokeRow(tx, notes, { row, at: of.at, by: of.by })
  return rows.length
}

const liveDevices = (tx: Tx) => tx.selectFrom('devices').selectAll().where('revoked_at', 'is', null)

async function revokeRow(
  tx: Tx,
  notes: Notes,
  { row, at, by }: { readonly row: Selectable<DeviceRow>; readonly at: number; readonly by: string },
): Promise<void> {
  await tx.updateTable('devices').set({ revoked_at: at }).where('id', '=', row.id).execute()
  notes.audit({
    actor: by,
    action: 'device-revoked',
    subject: row.id,
    detail: `"${row.name}" of ${row.user}`,
  })
  notes.event({ kind: 'device-revoked', device: row.id, until: isoTime(row.certified_until) })
}

function publicDevice(row: Selectable<DeviceRow>): Device {
  return {
    device: row.id,
    name: row.name,
    user: row.user,
    isOrigin: row.is_origin === 1,
    enrolledAt: isoTime(row.enrolled_at),
    certifiedUntil: isoTime(row.certified_until),
    revokedAt: row.revoked_at === null ? null : isoTime(row.revoked_at),
  }
}
