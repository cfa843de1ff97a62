/** Parsers of JSON and of files that people or our own programs write. */
import assert from 'node:assert/strict'
import { z } from 'zod'
import { Bitfield } from '../../../../src/core/bitfield.ts'
import { infoHash } from '../../../../src/core/ids.ts'
import { SiteMap } from '../../../../src/core/site.ts'
import { refusalOf, valueOf } from '../../../../src/portal-client/reply.ts'
import { formatCursor, parseCursor } from '../../../../src/portal/cursor.ts'
import { parseRecord } from '../../../../src/seeder/record-schema.ts'
import { decodeState, encodeState } from '../../../../src/swarm/resume-state.ts'
import * as api from '../../../../src/wire/api.ts'
import { formatSites, parseSitesFile } from '../../../../src/wire/sites-file.ts'
import { bytesOfJson, bytesOfText, passes, type Target, textOf, utf8Of } from '../target.ts'

const HASH = infoHash('0123456789abcdef0123456789abcdef01234567')
const AT = '2026-07-01T10:00:00Z'
const isJson = (bytes: Uint8Array): boolean => passes(() => JSON.parse(utf8Of(bytes)))

const RELEASE = {
  name: '1', state: 'live', infohash: HASH, sizeBytes: 9, pieceLengthBytes: 16_384, notes: '', admit: 'any', publishedAt: AT, publishedBy: 'ann',
  contentName: 'x', isSingleFile: false, files: [{ path: 'a/b', sizeBytes: 9 }],
} // prettier-ignore
const BUNDLE = {
  bundle: 'fire-safety', title: 'Fire safety', description: '', tags: ['a'], owner: 'ann', audience: ['everyone'], updatedAt: AT, latest: RELEASE,
  releases: [RELEASE],
} // prettier-ignore
const PRESENCE = {
  peerId: '2d5348303130302d303132333435363738396162', kind: 'origin', host: '10.0.0.1', port: 16_881, complete: [HASH], partial: [],
  missing: [{ infohash: HASH, reason: 'gone' }], stopping: false,
} // prettier-ignore
const TRANSFERS = {
  peerId: PRESENCE.peerId,
  items: [{
    session: 'AAAAAAAAAAAAAAAAAAAAAA', seq: 1, infohash: HASH, ageSeconds: 60, startBytes: 0, haveBytes: 9, webSeedBytes: 1,
    ends: [{ at: '10.0.0.1', from: 'site', receivedBytes: 8, sentBytes: 1 }],
  }],
} // prettier-ignore
const GRANT = { id: 'AAAAAAAAAAAAAAAA', expiresAt: AT, token: 'x.y.z' }

/** Bodies and queries that the portal reads, and answers that our programs read. */
const SHAPES: readonly (readonly [z.ZodType, unknown])[] = [
  [api.zNewBundle, { title: 'T', bundle: 'slug', description: '', tags: ['a'], audience: ['everyone'] }],
  [api.zLinkRequest, { expiresInSeconds: 60, files: ['*.mp4'], peersMax: 8, webSeed: false, for: 'ann' }],
  [api.zPresence, PRESENCE],
  [api.zTransferReport, TRANSFERS],
  [api.zFigureQuery, { from: AT, to: AT }],
  [api.zReleaseFigureQuery, { from: AT, to: AT, limit: '50', cursor: 'x' }],
  [api.zTransfersTaken, { refused: [{ session: 's'.repeat(22), reason: 'no' }] }],
  [api.zNewToken, { name: 'n', role: 'viewer', user: 'ann', groups: ['g'], expiresInSeconds: 60 }],
  [api.zBundleQuery, { q: 'fire', tag: 'a', limit: '50', cursor: 'x' }],
  [api.zNewReleaseQuery, { release: '1', notes: '', admit: 'any', rights: '' }],
  [api.zBundleDetail, BUNDLE],
  [api.zBundlePage, { items: [BUNDLE], nextCursor: null }],
  [api.zLink, { magnet: 'm', torrentUrl: 'http://x/', playUrl: 'http://x/', infohash: HASH, grant: GRANT }],
  [api.zRenewal, { grant: GRANT, announceUrl: 'http://x/' }],
  [api.zWanted, { items: [{ infohash: HASH, bundle: 'b', release: '1', sizeBytes: 1 }] }],
  [
    api.zSiteList,
    { items: [{ name: 'lyon', cidrs: ['10.0.0.0/8'], peering: 'off' }], unlisted: { wanBytesPerSecond: 0 } },
  ],
  [api.zPresenceAnswer, { serving: { id: GRANT.id, expiresAt: AT, leaseUrl: 'http://x/lease?g=x' } }],
  [api.zSharedGrants, { items: [{ id: GRANT.id, addresses: 8, isFull: true }] }],
  [api.zRefuseBefore, { before: AT, bundle: 'fire-safety', release: '1' }],
  [api.zGrantKeyList, { items: [{ kid: 'k1', state: 'signing', signingSince: null }] }],
]
const SHAPE_WORDS = [
  'title', 'bundle', 'tags', 'audience', 'expiresInSeconds', 'files', 'peersMax', 'webSeed', 'for', 'peerId', 'kind', 'host', 'port', 'complete',
  'infohash', 'items', 'nextCursor', 'latest', 'releases', 'state', 'failed', 'role', 'admin', 'origin', 'mirror', '10.0.0.1', '1', 'fire-safety', HASH, AT,
] // prettier-ignore

const POSITIONS = [
  z.tuple([z.number().int()]),
  z.tuple([z.number().int(), z.string()]),
  z.tuple([z.literal('t'), z.number(), z.number().int()]),
]
const RECORD = {
  version: 1, infohash: HASH, contentFolder: '/srv', name: 'x', isSingleFile: true, sizeBytes: 9, pieceLengthBytes: 16_384,
  files: [{ path: '', sizeBytes: 9, mtimeNs: '1', ino: '2' }], origin: 'library', entry: 'x', bundle: 'b', release: '1', state: 'registered', storedAtMs: 5,
} // prettier-ignore
const EXPECTED = { infoHash: HASH, folder: '/srv', pieces: 11, files: 2 }

export const documentTargets: readonly Target[] = [
  {
    name: 'API shapes',
    files: ['wire/api.ts', 'wire/api-scalars.ts', 'wire/api-figures.ts', 'wire/api-grants.ts'],
    dialect: 'json',
    words: SHAPE_WORDS,
    seeds: SHAPES.map(([, value]) => bytesOfJson(value)),
    frame: isJson,
    read: (bytes) => {
      if (!isJson(bytes)) return
      const value: unknown = JSON.parse(utf8Of(bytes))
      for (const [shape] of SHAPES) shape.safeParse(value)
    },
  },
  {
    name: "a portal's answer",
    files: ['portal-client/reply.ts'],
    beside: ['notUnderstood', 'notAuthenticated'],
    dialect: 'json',
    words: [
      'type',
      'title',
      'status',
      'detail',
      'code',
      'not-found',
      'over-limit',
      'conflict',
      'x'.repeat(2_000),
      '\u001b[2J',
      ...SHAPE_WORDS,
    ],
    seeds: [
      bytesOfJson({
        type: 'about:blank',
        title: 'Not found',
        status: 404,
        detail: 'no such bundle',
        code: 'not-found',
      }),
      bytesOfJson({ title: 'Not found' }),
      bytesOfJson({ items: [{ infohash: HASH, bundle: 'b', release: '1', sizeBytes: 1 }] }),
      bytesOfText('<html>'),
    ],
    frame: isJson,
    read: (bytes) => {
      for (const status of [200, 301, 400, 401, 403, 404, 409, 413, 429, 500, 503]) {
        const reply = { status, headers: {}, body: bytes } as unknown as Parameters<typeof refusalOf>[0]
        const error = refusalOf(reply, 'http://p', status % 2 === 0)
        assert.ok(error.message.length < 2_000)
        assert.doesNotMatch(error.message, /\p{Cc}/u)
      }
      valueOf({ status: 200, headers: {}, body: bytes }, api.zWanted, 'http://p')
    },
  },
  {
    name: 'cursor',
    files: ['portal/cursor.ts'],
    beside: ['formatCursor', 'pageOf'],
    dialect: 'json',
    words: ['t', 'r', 'x'.repeat(600)],
    seeds: [bytesOfJson([5]), bytesOfJson([5, 'AAAA']), bytesOfJson(['t', 1.5, 7])],
    frame: isJson,
    read: (bytes) => {
      for (const shape of POSITIONS) {
        parseCursor(shape, undefined)
        const text = Buffer.from(bytes).toString('base64url')
        if (!POSITIONS.some((other) => passes(() => parseCursor(other, text)))) parseCursor(shape, text)
        else if (passes(() => parseCursor(shape, text)))
          parseCursor(shape, formatCursor(parseCursor(shape, text) as (string | number)[]))
      }
    },
  },
  {
    name: 'resume state',
    files: ['swarm/resume-state.ts'],
    beside: ['encodeState', 'sameStamp'],
    dialect: 'json',
    corpus: 'resume-state',
    words: [
      'version',
      'infoHash',
      'folder',
      'done',
      'files',
      'bootId',
      'isSynced',
      HASH,
      '/srv',
      '/+A=',
      '4AA=',
    ],
    seeds: [
      encodeState({
        infoHash: HASH,
        folder: '/srv',
        done: Bitfield.parse(Uint8Array.of(0xff, 0xe0), 11) ?? new Bitfield(11),
        stamps: [{ sizeBytes: 5, mtimeNs: '7' }, undefined],
        ours: [true, false],
        bootId: 'b',
        isSynced: true,
      }),
    ],
    frame: isJson,
    read: (bytes) => {
      const state = decodeState(bytes, EXPECTED)
      if (state !== undefined) assert.deepEqual(decodeState(encodeState(state), EXPECTED), state)
    },
  },
  {
    name: 'release record',
    files: ['seeder/record-schema.ts'],
    dialect: 'json',
    words: [...Object.keys(RECORD), 'hashed', 'damaged', 'publish', 'fetched', HASH, HASH.replace('0', 'f')],
    seeds: [bytesOfJson(RECORD), bytesOfJson({ ...RECORD, infohash: HASH.replace('0', 'f') })],
    frame: isJson,
    read: (bytes) => {
      const record = parseRecord(utf8Of(bytes), HASH)
      const text = JSON.stringify(record)
      assert.equal(JSON.stringify(parseRecord(text, HASH)), text)
    },
  },
  {
    name: 'sites file',
    files: ['wire/sites-file.ts', 'wire/site-policy.ts', 'core/site.ts'],
    beside: [
      ...['formatSites', 'formatSite', 'formatPolicy', 'wanText', 'siteOf', 'defaultSite', 'holds'],
      ...['isOneNetwork', 'isListed'],
    ],
    dialect: 'words',
    corpus: 'sites-file',
    words: [
      'lyon',
      'paris',
      'internet',
      '10.4.0.0/16',
      '10.0.0.0/8',
      '10.4.9.9/16',
      '2001:db8::/32',
      '::/0',
      '0.0.0.0/0',
      '10.0.0.0/33',
      '::ffff:10.0.0.0/104',
      '*',
      'peering=off',
      'peering=on',
      'peering=',
      'wan=20Mbit',
      'wan=2.5MB',
      'wan=0',
      'wan=20M',
      'x=1',
      '#',
      ' ',
      '\n',
      ',',
    ],
    seeds: [
      'lyon 10.4.0.0/16,10.5.0.0/16 # the old one\n\nparis 2001:db8::/32\n',
      'vpn 10.99.0.0/16 peering=off\noslo 10.7.0.0/16 wan=20Mbit\ncabin 10.9.0.0/16 wan=0\n* peering=on wan=3B\n',
      '# none\n',
      'a 10.0.0.0/8\nb 10.1.0.0/16\r\nc\t::1/128',
      'a 10.0.0.0/8\na 11.0.0.0/8',
      'a 10.0.0.0/8\nb 10.0.0.0/8',
      'a',
      '-a 10.0.0.0/8',
    ].map(bytesOfText),
    frame: (bytes) => /[a-z]/.test(textOf(bytes)),
    read: (bytes) => {
      const text = textOf(bytes)
      const map = parseSitesFile(text)
      const again = parseSitesFile(formatSites(map))
      assert.deepEqual([again.sites, again.unlisted], [map.sites, map.unlisted])
      // Without the line numbers: what the API and the control feed bring.
      assert.deepEqual(new SiteMap(map.sites).sites, map.sites)
    },
  },
]
