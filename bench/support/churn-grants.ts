/** Grants for simulated peers, and a portal that people use meanwhile. */
import { join } from 'node:path'
import { addMillis, epochMillis, hours } from '../../src/core/units.ts'
import { openConnection } from '../../src/portal/database/connection.ts'
import { KeyFiles } from '../../src/portal/keys/key-files.ts'
import { infoHash } from '../../src/core/ids.ts'
import { newGrantId, signGrant } from '../../src/wire/grant.ts'
import type { SigningKey } from '../../src/wire/signing-key.ts'
import type { Swarm } from './churn-peers.ts'
import type { HttpLoad } from './http-load.ts'
import { slugOf } from './library.ts'

/** A grant serves so many peers in turn: an address holds its place in a grant for a minute, and 8 have room. */
const GRANTS_A_SWARM = 40
const LINK_EVERY_MS = 100
/** One in so many links is revoked at once. */
const REVOKED_EVERY = 5

/**
 * Signed here with the portal's own key: the portal's time is for what is measured. A grant comes round again after
 * forty others of its swarm.
 */
export async function grantsOf(dataDir: string, releases: number): Promise<readonly Swarm[]> {
  const key = await grantKeyOf(dataDir)
  const db = openConnection(join(dataDir, 'portal.sqlite'))
  const rows = db
    .prepare<[number], { infohash: string }>('select infohash from releases limit ?')
    .all(releases)
  db.close()
  const swarms: Swarm[] = []
  for (const row of rows) {
    const hash = infoHash(row.infohash)
    const grants: string[] = []
    for (let i = 0; i < GRANTS_A_SWARM; i++) {
      const now = epochMillis(Date.now())
      const claims = { infoHash: hash, id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }
      grants.push(await signGrant(claims, key))
    }
    let next = 0
    swarms.push({ infoHash: hash, takeGrant: () => grants[next++ % GRANTS_A_SWARM] ?? '' })
  }
  return swarms
}

async function grantKeyOf(dataDir: string): Promise<SigningKey> {
  const db = openConnection(join(dataDir, 'portal.sqlite'))
  const row = db.prepare<[], { kid: string }>("select kid from grant_keys where state = 'signing'").get()
  db.close()
  const key = await new KeyFiles(dataDir).load(`grant-${row?.kid ?? ''}`)
  if (key === undefined) throw new Error('the portal has no key that signs grants')
  return key
}

/** A link ten times a second, a list with each, and now and then a revocation: how many were taken. */
export async function takeSomeLinks(
  load: HttpLoad,
  { token, releases, untilMs }: { token: string; releases: number; untilMs: number },
): Promise<number> {
  let links = 0
  while (performance.now() < untilMs) {
    const path = `/api/v1/bundles/${slugOf(links % releases)}/releases/latest/links`
    const reply = await load.send({ method: 'POST', path, token })
    if (reply.status !== 201) throw new Error(`no link: ${reply.status} ${reply.body}`)
    await load.send({ path: '/api/v1/bundles?q=training', token })
    const { grant } = JSON.parse(reply.body) as { grant: { id: string } }
    if (++links % REVOKED_EVERY === 0)
      await load.send({ method: 'DELETE', path: `/api/v1/grants/${grant.id}`, token })
    await new Promise((resolve) => setTimeout(resolve, LINK_EVERY_MS))
  }
  return links
}
