/**
 * A data folder with many bundles, each with a live release, written by the catalogue's own tables and index in
 * large transactions: a hundred thousand over the API would take an hour and measure something else.
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { seededRandom } from '../../src/core/random.ts'
import { releaseName, slug } from '../../src/core/ids.ts'
import { kindOfFiles, type Kind } from '../../src/core/kinds.ts'
import { sizeOf, type Metainfo } from '../../src/core/metainfo.ts'
import { MiB } from '../../src/core/units.ts'
import { enlist, followKind, titleKeyOf } from '../../src/portal/catalogue/bundle-lists.ts'
import { reindexBundle } from '../../src/portal/catalogue/search.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import type { Tx } from '../../src/portal/database/tables.ts'
import { encodeInfo, hashOf } from '../../src/wire/torrent.ts'
import { codeOf, frequentOf, GROUPS, KINDS, oneOf, PLACES, prose, TAGS, TOPICS } from './words.ts'

const BATCH = 2_000
const TWO_YEARS_MS = 2 * 365 * 24 * 3_600_000
/** When the newest bundle was changed. */
export const LAST_DAY = Date.UTC(2026, 10, 1)

export const slugOf = (i: number): string => `bundle-${i}`
/** In three bundles only. */
export const RARE_TAG = 'founders'
/** The third of all bundles that is for everyone. */
export const isForEveryone = (i: number): boolean => i % 3 === 0

/** `onBatch` is told after each transaction how many there are. */
export async function fillLibrary(dataDir: string, count: number, onBatch: (done: number) => void) {
  await mkdir(dataDir, { recursive: true })
  const db = await openDatabase(join(dataDir, 'portal.sqlite'))
  try {
    await sql`pragma synchronous = off`.execute(db) // of this connection: the portal's own is FULL
    const random = seededRandom(20_261_125)
    for (let first = 0; first < count; first += BATCH) {
      await db.transaction().execute(async (tx) => {
        for (let i = first; i < Math.min(count, first + BATCH); i++) await addOne(tx, i, count, random)
      })
      onBatch(Math.min(count, first + BATCH))
    }
    await sql`pragma wal_checkpoint(truncate)`.execute(db)
  } finally {
    await db.destroy()
  }
}

/** Actors and actions of an audit trail, the rare ones among them: {@link fillAudit}. */
export const AUDIT = { people: 10_000, rareActor: 'person-77', rareAction: 'release-recalled' } as const

/** As two years of a company leave it: nine rows of ten are links that somebody took. */
export async function fillAudit(dataDir: string, rows: number): Promise<void> {
  const db = await openDatabase(join(dataDir, 'portal.sqlite'))
  try {
    await sql`pragma synchronous = off`.execute(db)
    await sql`pragma cache_size = -1000000`.execute(db)
    const step = TWO_YEARS_MS / rows
    await sql`
      insert into audit (at, actor, action, subject, detail)
      with recursive n (i) as (select 0 union all select i + 1 from n where i < ${sql.lit(rows - 1)})
      select cast(${LAST_DAY - TWO_YEARS_MS} + i * ${step} as integer), 'person-' || (i * 7919 % ${sql.lit(AUDIT.people)}),
        case when i % 100000 = 7 then ${AUDIT.rareAction} when i % 10 = 3 then 'grant-revoked'
          when i % 100 = 5 then 'access-granted' else 'grant-issued' end,
        'subject-' || (i * 104729 % ${sql.lit(rows)}), '' from n`.execute(db)
    await sql`pragma wal_checkpoint(truncate)`.execute(db)
  } finally {
    await db.destroy()
  }
}

async function addOne(tx: Tx, i: number, count: number, random: () => number): Promise<void> {
  const topic = oneOf(TOPICS, random)
  const title = `${topic} ${frequentOf(KINDS, random)} ${2019 + (i % 8)}, ${oneOf(PLACES, random)}, part ${1 + (i % 12)}`
  const tags = [...new Set([frequentOf(TAGS, random), frequentOf(TAGS, random)])]
  if (i % Math.floor(count / 3) === 7 && i < count) tags.push(RARE_TAG)
  const audience = audienceOf(i, random)
  const at = LAST_DAY - TWO_YEARS_MS + Math.floor((i / count) * TWO_YEARS_MS)
  const owner = `publisher-${i % 50}`
  const bundle = await tx
    .insertInto('bundles')
    .values({
      slug: slug(slugOf(i)),
      title,
      description: `${prose(25, random)} ${codeOf(i)}`,
      tags: JSON.stringify(tags),
      owner,
      audience: JSON.stringify(audience),
      updated_at: at,
      title_key: titleKeyOf(title),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  const { id } = bundle
  await enlist(tx, bundle)
  await tx.insertInto('bundle_tags').values(tags.map((tag) => ({ bundle_id: id, tag }))).execute() // prettier-ignore
  await tx.insertInto('bundle_audience').values(audience.map((name) => ({ bundle_id: id, name, admitted_by: null, until: null }))).execute() // prettier-ignore
  await addLive(tx, { id, owner, at, metainfo: metainfoOf(i, count, topic, random) })
  await followKind(tx, id)
  await reindexBundle(tx, id)
}

/** A third for everyone, the rest for a department or two. */
function audienceOf(i: number, random: () => number): string[] {
  if (isForEveryone(i)) return ['everyone']
  const one = oneOf(GROUPS, random)
  const two = oneOf(GROUPS, random)
  return i % 10 === 0 && one !== two ? [one, two] : [one]
}

/** Of nearly all bundles, of one in thirty, and of three. */
export const KINDS_THERE = {
  common: 'video',
  some: 'document',
  rare: 'audio',
} as const satisfies Record<string, Kind>
const ENDINGS = { video: 'mp4', document: 'pdf', audio: 'mp3' } as const

const kindOf = (i: number, count: number): keyof typeof ENDINGS =>
  i % Math.floor(count / 3) === 11 ? KINDS_THERE.rare : i % 30 === 2 ? KINDS_THERE.some : KINDS_THERE.common

/** Mostly a video, some folders of a dozen files, one in two hundred of several hundred. */
function metainfoOf(i: number, count: number, topic: string, random: () => number): Metainfo {
  const ending = ENDINGS[kindOf(i, count)]
  const files = i % 200 === 1 ? 600 : i % 4 === 0 ? 12 : 1
  const sizeBytes = Math.ceil(random() * 40) * MiB
  const name = `${topic} ${i}`
  return {
    name: files === 1 ? `${name}.${ending}` : name,
    pieceLength: 4 * MiB,
    pieces: randomBytes(20 * Math.ceil((files * sizeBytes) / (4 * MiB))),
    isSingleFile: files === 1,
    files: Array.from({ length: files }, (_, n) => ({
      path: files === 1 ? '' : `chapter ${1 + (n % 12)}/${frequentOf(KINDS, random)} ${n + 1}.${ending}`,
      sizeBytes,
    })),
    isPrivate: true,
  }
}

async function addLive(
  tx: Tx,
  of: { id: number; owner: string; at: number; metainfo: Metainfo },
): Promise<void> {
  const { metainfo } = of
  const info = encodeInfo(metainfo)
  const files = metainfo.files.map(({ path, sizeBytes }) => ({ path: path || metainfo.name, sizeBytes }))
  const { id } = await tx
    .insertInto('releases')
    .values({
      bundle_id: of.id,
      name: releaseName('1'),
      state: 'live',
      reason: null,
      infohash: hashOf(info),
      size_bytes: sizeOf(metainfo),
      piece_length: metainfo.pieceLength,
      content_name: metainfo.name,
      is_single_file: metainfo.isSingleFile ? 1 : 0,
      notes: '',
      admit: 'any',
      rights: 'ours',
      published_at: of.at,
      published_by: of.owner,
      kind: kindOfFiles(files),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('release_contents')
    .values({ release_id: id, info: Buffer.from(info), files: JSON.stringify(files) })
    .execute()
}
