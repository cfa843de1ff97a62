/** All that holds now, as events: what a program gets that knows nothing yet, or too little. */
import type { InfoHash } from '../../core/ids.ts'
import type { EpochMillis } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import type { ControlEvent } from '../../wire/control.ts'
import { zPublicKey } from '../../wire/keys.ts'
import { WAITING_STATES } from '../catalogue/release-state.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Tx } from '../database/tables.ts'
import { readEpoch } from '../facts.ts'

/** Reads in the caller's transaction, so that all of it is of one moment. Includes service events. */
export async function snapshotEvents(tx: Tx, now: EpochMillis): Promise<ControlEvent[]> {
  return [
    { kind: 'epoch', epoch: await readEpoch(tx) },
    ...(await keyEvents(tx)),
    ...(await grantEvents(tx, now)),
    ...(await refusalEvents(tx, now)),
    ...(await deviceEvents(tx, now)),
    ...(await releaseEvents(tx)),
    ...(await servingEvents(tx)),
  ]
}

async function keyEvents(tx: Tx): Promise<ControlEvent[]> {
  const rows = await tx.selectFrom('grant_keys').select('public_jwk').execute()
  return rows.map((row) => ({ kind: 'grant-key', key: zPublicKey.parse(JSON.parse(row.public_jwk)) }))
}

async function grantEvents(tx: Tx, now: EpochMillis): Promise<ControlEvent[]> {
  const alive = tx.selectFrom('grants').where('expires_at', '>', now - limits.clockLeeway)
  const revoked = await alive.select(['id', 'expires_at']).where('revoked_at', 'is not', null).execute()
  const peers = await alive
    .select(['id', 'expires_at', 'peers_max'])
    .where('peers_max', '!=', limits.peersPerGrantDefault)
    .where('revoked_at', 'is', null)
    .execute()
  const serving = await tx
    .selectFrom('serving_grants')
    .select(['id', 'expires_at'])
    .where('expires_at', '>', now - limits.clockLeeway)
    .where('revoked_at', 'is not', null)
    .execute()
  return [
    ...[...revoked, ...serving].map((row): ControlEvent => ({
      kind: 'grant-revoked',
      id: row.id,
      until: isoTime(row.expires_at + limits.clockLeeway),
    })),
    ...peers.map((row): ControlEvent => ({
      kind: 'grant-peers',
      id: row.id,
      peersMax: row.peers_max,
      until: isoTime(row.expires_at),
    })),
  ]
}

/** Until the last grant of that time has expired anyway. */
async function refusalEvents(tx: Tx, now: EpochMillis): Promise<ControlEvent[]> {
  const since = now - limits.grantLifeMax - limits.clockLeeway
  const rows = await tx.selectFrom('refused_before').selectAll().where('before', '>', since).execute()
  return rows.map(({ scope, value, before }) => ({
    kind: 'refuse-before',
    scope,
    value,
    before: isoTime(before),
  }))
}

async function deviceEvents(tx: Tx, now: EpochMillis): Promise<ControlEvent[]> {
  const rows = await tx
    .selectFrom('devices')
    .select(['id', 'certified_until'])
    .where('revoked_at', 'is not', null)
    .where('certified_until', '>', now - limits.clockLeeway)
    .execute()
  return rows.map((row) => ({ kind: 'device-revoked', device: row.id, until: isoTime(row.certified_until) }))
}

async function releaseEvents(tx: Tx): Promise<ControlEvent[]> {
  const rows = await tx
    .selectFrom('releases')
    .select(['infohash', 'state'])
    .where('state', 'in', ['recalled', ...WAITING_STATES])
    .orderBy('id')
    .execute()
  return rows.map(({ infohash, state }) => ({ kind: state === 'recalled' ? 'recalled' : 'wanted', infohash }))
}

async function servingEvents(tx: Tx): Promise<ControlEvent[]> {
  const rows = await tx.selectFrom('serving').selectAll().orderBy('peer_id').orderBy('infohash').execute()
  const byPeer = Map.groupBy(rows, (row) => row.peer_id)
  return [...byPeer.values()].flatMap((items) => {
    const [first] = items
    if (first === undefined) return []
    const { peer_id: peerId, role, host, port } = first
    return chunks(items.map((item) => item.infohash)).map((infohashes): ControlEvent => ({
      kind: 'serves',
      peerId,
      role,
      host,
      port,
      infohashes,
    }))
  })
}

/** In lists that one event may hold. */
function chunks(all: readonly InfoHash[]): InfoHash[][] {
  const count = Math.ceil(all.length / limits.presenceHashesMax)
  return Array.from({ length: count }, (_, i) =>
    all.slice(i * limits.presenceHashesMax, (i + 1) * limits.presenceHashesMax),
  )
}
