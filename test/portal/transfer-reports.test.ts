import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { MiB, minutes, seconds } from '../../src/core/units.ts'
import { newsOf, toldOf } from '../../src/portal/figures/session.ts'
import { type Transfer, zTransfer } from '../../src/wire/api.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  end,
  figuresOf,
  grantFor,
  liveRelease,
  LYON,
  openFigurePortal,
  ORIGIN,
  OSLO,
  reasons,
  report,
  reportSent,
  session,
  SIZE,
  transfer,
  type LiveRelease,
} from './figure-world.ts'
import type { TestPortal } from './test-portal.ts'

const RUNS = { numRuns: Number(process.env.FUZZ_RUNS ?? 100) }

describe('A report of a transfer', () => {
  let portal: TestPortal
  let film: LiveRelease
  let grant: string
  before(async () => {
    portal = await openFigurePortal({ settings: { failedLoginsPerMinuteMax: '1000' } })
  })
  after(() => portal[Symbol.asyncDispose]())
  let count = 0
  beforeEach(async () => {
    film = await liveRelease(portal, `film ${count++}`)
    grant = await grantFor(portal, film.slug, 'ann')
    portal.clock.advance(minutes(2))
  })

  const named = (): string => String(count).padStart(22, 'x')
  const delivered = async (): Promise<number> => {
    portal.clock.advance(minutes(1))
    return (await figuresOf(portal)).total.delivered
  }
  const part = (more: Partial<Transfer> = {}): Transfer =>
    transfer(film.infohash, { session: named(), ends: [end(ORIGIN, 'origin', MiB)], ...more })

  it('is taken for an hour after its grant was revoked, and no longer', async () => {
    const before = await delivered()
    const link = await portal.link(portal.adminToken, film.slug)
    const token = /\/dl\/(.+)\.torrent$/.exec(link.torrentUrl)?.[1] ?? ''
    await portal.api('delete', `/grants/${link.grant.id}`, portal.adminToken).expect(204)
    portal.clock.advance(minutes(58))
    assert.deepEqual(reasons(await report(portal, token, LYON, part()).expect(200)), [])
    assert.equal(await delivered(), before + MiB)
    portal.clock.advance(minutes(3))
    await report(portal, token, LYON, part({ seq: 2 })).expect(403, /revoked/)
  })

  it('is taken for an hour after its grant has expired, and no longer', async () => {
    const link = await portal.link(portal.adminToken, film.slug, { expiresInSeconds: 60 })
    const token = /\/dl\/(.+)\.torrent$/.exec(link.torrentUrl)?.[1] ?? ''
    portal.clock.advance(minutes(59))
    await report(portal, token, LYON, part()).expect(200)
    portal.clock.advance(minutes(5))
    await report(portal, token, LYON, part({ seq: 2 })).expect(403, /expired/)
  })

  it('needs a grant of this portal, or a token of a machine that serves', async () => {
    await report(portal, `${grant.slice(0, -4)}AAAA`, LYON, part()).expect(403)
    await report(portal, 'junk', LYON, part()).expect(403)
    const viewer = await portal.token('viewer', { user: `viewer ${count}` })
    await portal
      .api('post', '/transfers', viewer)
      .send({ items: [part()] })
      .expect(403)
    await portal
      .api('post', '/transfers')
      .send({ items: [part()] })
      .expect(401)
    // and the grant opens nothing else
    const asked = portal.api('get', '/me').set('authorization', `Grant ${grant}`)
    await asked.expect(401)
  })

  it('that is refused keeps nobody at the same address from signing in', async () => {
    await using own = await openFigurePortal({ settings: { failedLoginsPerMinuteMax: '3' } })
    for (let n = 0; n < 6; n++) await report(own, `${grant.slice(0, -4)}AAAA`, LYON, part()).expect(403)
    const signIn = own.api('get', '/me', 'shoal_wrong').set('x-forwarded-for', LYON)
    await signIn.expect(401) // and not 429
  })

  it('is of the release of its grant, and of whose session it is', async () => {
    const other = await liveRelease(portal, `other ${count}`)
    const foreign = await report(portal, grant, LYON, part({ infohash: other.infohash })).expect(200)
    assert.deepEqual(reasons(foreign), ['this grant is for another release'])
    await report(portal, grant, LYON, part()).expect(200)
    const bobs = await grantFor(portal, film.slug, 'bob')
    const stolen = await report(portal, bobs, LYON, part({ seq: 9 })).expect(200)
    assert.deepEqual(reasons(stolen), ['this is the session of another transfer'])
    const renewed = await grantFor(portal, film.slug, 'ann')
    assert.deepEqual(reasons(await report(portal, renewed, LYON, part({ seq: 9 })).expect(200)), [])
    const unknown = await reportSent(portal, part({ infohash: 'f'.repeat(40) })).expect(200)
    assert.deepEqual(reasons(unknown), ['there is no such release'])
  })

  it('of what cannot be is refused with one sentence, and counts nothing', async () => {
    const before = await delivered()
    const impossible: readonly [Partial<Transfer>, RegExp][] = [
      [{ haveBytes: SIZE + 1 }, /more bytes of the release than there are/],
      [{ startBytes: SIZE + 1 }, /more bytes of the release than there are/],
      [{ ends: [end(ORIGIN, 'origin', 3 * SIZE + 200 * MiB)] }, /more often than anybody needs it/],
      [{ webSeedBytes: 3 * SIZE + 200 * MiB }, /more often than anybody needs it/],
      [
        { ageSeconds: 0, ends: [end(OSLO, 'otherSites', 0, 121 * limits.transferBytesPerSecondMax)] },
        /in that time/,
      ],
      [
        {
          ends: [
            end(OSLO, 'otherSites', 0, Number.MAX_SAFE_INTEGER),
            end(LYON, 'site', 0, Number.MAX_SAFE_INTEGER),
          ],
        },
        /nobody has exchanged as many/,
      ],
    ]
    for (const [more, reason] of impossible) {
      const [said = '', ...others] = reasons(await report(portal, grant, LYON, part(more)).expect(200))
      assert.match(said, reason)
      assert.deepEqual(others, [])
    }
    assert.equal(await delivered(), before)
  })

  it('never takes back what it told', async () => {
    const many = [end(ORIGIN, 'origin', 5 * MiB), end(OSLO, 'otherSites', 0, 5 * MiB)]
    await report(portal, grant, LYON, part({ ends: many, webSeedBytes: MiB })).expect(200)
    for (const more of [
      { ends: [end(ORIGIN, 'origin', 4 * MiB), end(OSLO, 'otherSites', 0, 5 * MiB)], webSeedBytes: MiB },
      { ends: [end(ORIGIN, 'origin', 5 * MiB), end(OSLO, 'otherSites', 0, 4 * MiB)], webSeedBytes: MiB },
      { ends: many, webSeedBytes: 0 },
    ]) {
      const answer = await report(portal, grant, LYON, part({ seq: 2, ...more })).expect(200)
      assert.deepEqual(reasons(answer), ['it tells less than the report before'])
    }
  })

  it('cannot make the portal remember more ends than one session has, or more sessions than its addresses have', async () => {
    const ends = (from: number) =>
      Array.from({ length: limits.transferEndsMax }, (_, n) => end(`10.4.${from}.${n}`, 'site', 1))
    await report(portal, grant, LYON, part({ ends: ends(1) })).expect(200)
    const more = await report(portal, grant, LYON, part({ seq: 2, ends: ends(2) })).expect(200)
    assert.deepEqual(reasons(more), ['it tells less than the report before'])
    const link = await portal.link(portal.adminToken, film.slug, { peersMax: 1, for: 'carl' })
    const token = /\/dl\/(.+)\.torrent$/.exec(link.torrentUrl)?.[1] ?? ''
    const sessions = Array.from({ length: limits.transferSessionsPerAddressMax + 1 }, (_, n) =>
      part({ session: `${count}`.padStart(20, 'y') + String(n).padStart(2, '0') }),
    )
    const told = reasons(await report(portal, token, LYON, ...sessions).expect(200))
    assert.deepEqual(told, ['this grant has had as many transfers as its addresses can have'])
  })

  it('is taken a few times a minute, and then told to wait', async () => {
    const link = await portal.link(portal.adminToken, film.slug, { peersMax: 1, for: 'dora' })
    const token = /\/dl\/(.+)\.torrent$/.exec(link.torrentUrl)?.[1] ?? ''
    for (let seq = 1; seq <= limits.transferReportsPerAddressMax; seq++)
      await report(portal, token, LYON, part({ seq })).expect(200)
    const refused = await report(portal, token, LYON, part({ seq: 99 })).expect(429)
    assert.equal(refused.headers['retry-after'], '60')
  })

  it('is read strictly: what is not of its shape is refused', async () => {
    for (const body of [
      {},
      { items: [] },
      { items: [{ ...part(), extra: 1 }] },
      { items: [part({ session: 'short' })] },
      { items: [part({ seq: 0 })] },
      { items: [part({ ageSeconds: limits.transferAgeMax / 1_000 + 1 })] },
      { items: [part({ ends: [end('media.example.com', 'site', 1)] })] },
      { items: [part({ ends: [end(LYON, 'site', -1)] })] },
      { items: [part({ ends: [end(LYON, 'site', 0.5)] })] },
      { items: Array.from({ length: limits.transferItemsMax + 1 }, () => part()) },
    ])
      await portal.api('post', '/transfers', portal.originToken).send(body).expect(400)
  })

  it('that many make at once are all answered, and counted', async () => {
    const before = await delivered()
    const all = Array.from({ length: 120 }, (_, n) =>
      part({
        session: `${count}`.padStart(19, 'z') + String(n).padStart(3, '0'),
        ends: [end(OSLO, 'site', 0, 1)],
      }),
    )
    const fleet = await portal.link(portal.adminToken, film.slug, { peersMax: 256 })
    const token = /\/dl\/(.+)\.torrent$/.exec(fleet.torrentUrl)?.[1] ?? ''
    const answers = await Promise.all(
      all.map((item) =>
        report(portal, token, LYON, { ...item, ends: [end(ORIGIN, 'origin', 1_000)] }).expect(200),
      ),
    )
    assert.deepEqual(answers.flatMap(reasons), [])
    assert.equal(await delivered(), before + 120_000)
  })
})

describe('A session that the portal knows', () => {
  it('outlives a restart of the portal: what it had told is not counted again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'shoal-figures-'))
    const first = await openFigurePortal({ dataDir })
    const { slug, infohash } = await liveRelease(first)
    const grant = await grantFor(first, slug, 'ann')
    const at = (seq: number, mib: number): Transfer =>
      transfer(infohash, { seq, ends: [end(ORIGIN, 'origin', mib * MiB)] })
    await report(first, grant, LYON, at(1, 10)).expect(200)
    await first[Symbol.asyncDispose]()
    await using again = (await openFigurePortal({ dataDir })).owningFolder()
    again.clock.advance(seconds(30))
    await report(again, grant, LYON, at(2, 12)).expect(200)
    assert.equal((await figuresOf(again)).total.delivered, 12 * MiB)
  })
})

describe('What is new in a report', () => {
  const someEnd = fc
    .tuple(
      fc.constantFrom(LYON, OSLO, ORIGIN),
      fc.constantFrom('site', 'otherSites', 'origin'),
      fc.nat(9),
      fc.nat(9),
    )
    .map(([at, from, received, sent]) => end(at, from as 'site', received, sent))

  it('adds up to the last of any growing reports, whichever of them get lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(someEnd, { maxLength: 5 }), fc.boolean()), { maxLength: 8 }),
        (steps) => {
          const sums = new Map<string, { received: number; sent: number }>()
          let told = toldOf('{}')
          let counted = 0
          for (const [n, [ends, isLost]] of steps.entries()) {
            for (const { at, from, receivedBytes, sentBytes } of ends) {
              const sum = sums.get(`${at} ${from}`) ?? { received: 0, sent: 0 }
              sums.set(`${at} ${from}`, {
                received: sum.received + receivedBytes,
                sent: sum.sent + sentBytes,
              })
            }
            if (isLost && n < steps.length - 1) continue
            const all = [...sums].map(([key, { received, sent }]) => {
              const [at = '', from = ''] = key.split(' ')
              return end(at, from as 'site', received, sent)
            })
            const item = zTransfer.parse(
              transfer('a'.repeat(40), { session: session('p'), seq: n + 1, ends: all }),
            )
            const news = newsOf(item, { told, webSeedBytes: 0 })
            assert.ok(typeof news !== 'string', JSON.stringify(news))
            told = news.told
            counted += news.ends.reduce(
              (sum, { receivedBytes, sentBytes }) => sum + receivedBytes + sentBytes,
              0,
            )
          }
          const total = [...sums.values()].reduce((sum, { received, sent }) => sum + received + sent, 0)
          assert.equal(counted, steps.length === 0 ? 0 : total)
        },
      ),
      RUNS,
    )
  })
})
