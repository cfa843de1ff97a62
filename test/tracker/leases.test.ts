import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { IpAddress } from '../../src/core/address.ts'
import type { InfoHash } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import type { AddressFacts } from '../../src/tracker/address-book.ts'
import { AddressIndex } from '../../src/tracker/address-index.ts'
import { composeCore } from '../../src/tracker/compose-core.ts'
import { trackerSettings } from '../../src/tracker/index.ts'
import { Leases } from '../../src/tracker/leases.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { PeerTable, wordsOf } from '../../src/tracker/peer-table.ts'
import {
  leaseQuestionUrl,
  parseLeaseReply,
  SERVING_INFO_HASH,
  type LeaseAnswer,
  type PeerLease,
} from '../../src/wire/lease.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { AdmissionWorld, refusalOf, replyOf } from './admission-world.ts'
import { reasonOf, TestTracker } from './http-support.ts'
import {
  altered,
  announceRequest,
  ip,
  OTHER_SWARM,
  randomPeerId,
  SWARM,
  swarmPeer,
  TestPortal,
} from './support.ts'

type Lease = PeerLease | undefined

/** Few of each, so that they meet. */
const where = fc.tuple(
  fc.constantFrom<InfoHash>(SWARM, OTHER_SWARM),
  fc.nat(5).map((n) => ip(`10.0.0.${n}`)),
  fc.integer({ min: 5_001, max: 5_004 }),
  fc.boolean(),
)
const acts = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('put' as const), where, fc.integer({ min: 1, max: 100 })),
    fc.tuple(fc.constant('remove' as const), where, fc.constant(0)),
    fc.tuple(fc.constant('wait' as const), where, fc.integer({ min: 1, max: 40 })),
    fc.tuple(fc.constant('sweep' as const), where, fc.constant(0)),
  ),
  { maxLength: 200 },
)

/** These trackers have run for long, or do not say since when. */
const sure = (lease: LeaseAnswer): PeerLease | undefined =>
  lease === 'unsure' ? assert.fail('the tracker is not sure') : lease

describe('The leases of a tracker', () => {
  const storeOn = (clock: ManualClock, peersMax: number): MemorySwarmStore =>
    new MemorySwarmStore({ clock, random: seededRandom(7) }, { peersMax })

  it('are those of the peers in its store, until they end or are removed, as a plain map has them', () => {
    fc.assert(
      fc.property(acts, (list) => {
        const clock = new ManualClock()
        const store = storeOn(clock, 50)
        const leases = new Leases({ store })
        const plain = new Map<string, { swarm: InfoHash; host: IpAddress; end: number; isOurs: boolean }>()
        for (const [act, [swarm, host, port, isOurs], count] of list) {
          const key = `${swarm} ${host} ${port}`
          if (act === 'put') {
            store.put(swarm, swarmPeer(host, { port, isOurs }), seconds(count))
            plain.set(key, { swarm, host, end: clock.now() + 1_000 * count, isOurs })
          } else if (act === 'remove') {
            store.remove(swarm, { host, port })
            plain.delete(key)
          } else if (act === 'wait') clock.advance(seconds(count))
          else store.sweep()
          const there = [...plain.values()].filter((p) => p.swarm === swarm && p.host === host)
          const live = there.filter((p) => p.end > clock.now())
          const ends = live.map((p) => p.end - clock.now())
          const expected = { leftMs: Math.max(...ends), isOurs: live.every((p) => p.isOurs) }
          assert.deepEqual(leases.find(swarm, host), live.length === 0 ? undefined : expected)
        }
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
    )
  })

  it('are found among a hundred thousand others, and gone when their time is over', () => {
    const clock = new ManualClock()
    const store = storeOn(clock, 100_000)
    const hostOf = (n: number): IpAddress => ip(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
    for (let n = 0; n < 100_000; n++)
      store.put(SWARM, swarmPeer(hostOf(n)), n % 2 === 0 ? minutes(5) : hours(1))
    for (const n of [0, 1, 99_999]) assert.notEqual(store.leaseAt(SWARM, hostOf(n)), undefined)
    assert.equal(store.leaseAt(SWARM, hostOf(100_000)), undefined)
    assert.equal(store.leaseAt(OTHER_SWARM, hostOf(0)), undefined)
    clock.advance(minutes(5))
    assert.deepEqual(
      [0, 1, 99_998, 99_999].map((n) => store.leaseAt(SWARM, hostOf(n))?.leftMs),
      [undefined, minutes(55), undefined, minutes(55)],
    )
  })

  it('remember who left until it has come again', () => {
    const leases = new Leases({ store: storeOn(new ManualClock(), 1) })
    const host = ip('10.0.0.1')
    leases.left(SWARM, host)
    const hasLeft = (): boolean[] => [
      leases.hasLeft(SWARM, host),
      leases.hasLeft(OTHER_SWARM, host),
      leases.hasLeft(SWARM, ip('10.0.0.2')),
    ]
    assert.deepEqual(hasLeft(), [true, false, false])
    leases.came(OTHER_SWARM, host)
    assert.deepEqual(hasLeft(), [true, false, false])
    leases.came(SWARM, host)
    assert.deepEqual(hasLeft(), [false, false, false])
  })
})

describe('The index of addresses', () => {
  it('finds what is in at each address and nothing else over a long random life, nearly full', () => {
    const random = seededRandom(9)
    const table = new PeerTable(64)
    const index = new AddressIndex(table, () => 0.25)
    const slots = new Map<string, number>()
    const hostOf = (n: number): IpAddress => ip(n < 8 ? `10.0.0.${n}` : `2001:db8::${n}`)
    for (let step = 0; step < 20_000; step++) {
      const swarm = Math.floor(random() * 3)
      const host = hostOf(Math.floor(random() * 16))
      const port = 1_000 + Math.floor(random() * 4)
      const at = `${swarm} ${host} `
      const known = slots.get(at + String(port))
      const there = [...slots].filter(([key]) => key.startsWith(at)).map(([, slot]) => slot)
      assert.deepEqual([...index.at(swarm, wordsOf(host, 0))].toSorted(), there.toSorted())
      if (known !== undefined && random() < 0.5) {
        index.delete(known)
        table.free(known)
        slots.delete(at + String(port))
      } else if (known === undefined) {
        const slot = table.take(wordsOf(host, port))
        if (slot === undefined) continue
        table.swarm[slot] = swarm
        index.add(slot)
        slots.set(at + String(port), slot)
      }
    }
    assert.ok(slots.size > 20)
  })
})

describe('A question about leases', () => {
  const open = async (): Promise<{
    world: AdmissionWorld
    ask: (grant: string | undefined, ...hosts: string[]) => Promise<readonly Lease[]>
  }> => {
    const world = await AdmissionWorld.open()
    return {
      world,
      ask: async (grant, ...hosts) =>
        replyOf(await world.leases({ infoHash: SWARM, peers: hosts.map(ip), ...(grant && { grant }) })).map(
          sure,
        ),
    }
  }

  it('is answered in its order: who has announced has a lease, from whatever port, others have none', async () => {
    const { world, ask } = await open()
    const { token } = await world.portal.grant()
    await world.announce({ grant: token, port: 5_000 }, '10.0.0.1')
    const [none, lease] = await ask(token, '10.0.0.2', '10.0.0.1')
    assert.equal(none, undefined)
    assert.deepEqual(lease, {
      leftMs: minutes(61),
      site: lease?.site,
      isBridge: true,
      isOurs: false,
    })
  })

  it('finds a peer that has stopped at one port and goes on at another', async () => {
    const { world, ask } = await open()
    const { token } = await world.portal.grant()
    for (const port of [5_000, 5_001]) await world.announce({ grant: token, port }, '10.0.0.1')
    await world.announce({ grant: token, port: 5_000, event: 'stopped' }, '10.0.0.1')
    assert.ok((await ask(token, '10.0.0.1'))[0])
    await world.announce({ grant: token, port: 5_001, event: 'stopped' }, '10.0.0.1')
    assert.deepEqual(await ask(token, '10.0.0.1'), [undefined])
  })

  it('finds nobody whose lease has run out, or whose grant was revoked', async () => {
    const { world, ask } = await open()
    const { token } = await world.portal.grant()
    const other = await world.portal.grant()
    await world.announce({ grant: token }, '10.0.0.1')
    await world.announce({ grant: other.token }, '10.0.0.2')
    await world.announce({ grant: other.token, port: 5_001 }, '10.0.0.1')
    world.portal.tell({ kind: 'grant-revoked', id: other.claims.id, until: world.portal.time(hours(24)) })
    const [first, second] = await ask(token, '10.0.0.1', '10.0.0.2')
    assert.ok(first)
    assert.equal(second, undefined)
    world.portal.clock.advance(minutes(61))
    world.core.sweep()
    assert.deepEqual(await ask(token, '10.0.0.1'), [undefined])
  })

  it('finds origins and mirrors of the release, which announce nothing', async () => {
    const { world, ask } = await open()
    const { token } = await world.portal.grant()
    world.portal.tell({
      kind: 'serves', peerId: randomPeerId(), role: 'mirror', host: ip('10.0.0.9'), port: 6_881, infohashes: [SWARM],
    }) // prettier-ignore
    const [lease] = await ask(token, '10.0.0.9')
    assert.deepEqual([lease?.isOurs, lease?.leftMs], [true, minutes(3)])
  })

  it('says which peers are bridges', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    for (const host of hosts) await world.announce({ grant: token }, host)
    const question = { infoHash: SWARM, peers: hosts.map(ip), grant: token }
    assert.deepEqual(
      replyOf(await world.leases(question)).map((lease) => sure(lease)?.isBridge),
      [true, true, false],
    )
  })

  it('is refused without a grant, with a bad one, and with one for another release', async () => {
    const { world } = await open()
    const { token } = await world.portal.grant()
    const other = await world.portal.grant(OTHER_SWARM)
    const refused = async (grant: string | undefined): Promise<string | undefined> =>
      refusalOf(await world.leases({ infoHash: SWARM, peers: [ip('10.0.0.1')], ...(grant && { grant }) }))
    assert.equal(await refused(undefined), 'grant-refused')
    assert.equal(await refused(altered(token)), 'grant-refused')
    assert.equal(await refused(other.token), 'other-release')
  })

  it('may be of any swarm with a serving grant, which opens none', async () => {
    const { world, ask } = await open()
    const serving = await world.portal.grant(SERVING_INFO_HASH)
    assert.deepEqual(await ask(serving.token, '10.0.0.1'), [undefined])
    for (const infoHash of [SWARM, SERVING_INFO_HASH]) {
      assert.equal(refusalOf(await world.announce({ grant: serving.token, infoHash })), 'other-release')
      const question = { infoHashes: [infoHash], grant: serving.token }
      assert.equal(refusalOf(await world.scrape(question)), 'other-release')
    }
    world.portal.tell({ kind: 'grant-revoked', id: serving.claims.id, until: world.portal.time(hours(24)) })
    const question = { infoHash: SWARM, peers: [ip('10.0.0.1')], grant: serving.token }
    assert.equal(refusalOf(await world.leases(question)), 'grant-withdrawn')
  })

  it('comes over HTTP, and so does its answer', async () => {
    const portal = await TestPortal.open()
    await using tracker = await TestTracker.start(portal)
    const { token } = await portal.grant()
    assert.equal(reasonOf(await tracker.announce({ grant: token }, { localAddress: '127.0.0.2' })), undefined)
    const peers = [ip('127.0.0.2'), ip('127.0.0.3')]
    const { body } = await tracker.get(leaseQuestionUrl(`/lease?g=${token}`, { infoHash: SWARM, peers }))
    assert.deepEqual(
      parseLeaseReply(body, 2).map((lease) => (lease === 'unsure' ? lease : lease?.leftMs)),
      [minutes(61), 'unsure'],
      'it has just begun: who has not announced yet may have been here before',
    )
    const refused = await tracker.get(leaseQuestionUrl('/lease', { infoHash: SWARM, peers }))
    assert.throws(() => parseLeaseReply(refused.body, 2), { code: 'not-granted', message: 'grant refused' })
    const bad = await tracker.get('/lease?peer=10.0.0.1')
    assert.throws(() => parseLeaseReply(bad.body, 1), { code: 'not-granted', message: /info_hash/ })
    assert.equal((await tracker.get(`/lease?${'x'.repeat(6_000)}`)).status, 414)
  })
})

describe('A tracker that has just begun', () => {
  const peers = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(ip)

  it('is sure of who announced and of who left or was put out since, and of others once all had time to announce', async () => {
    const portal = await TestPortal.open()
    const control = portal.control
    const parts = {
      clock: portal.clock,
      random: seededRandom(1),
      log: silentLogger,
      control,
      sites: () => NO_SITES,
    }
    const { core, addresses } = composeCore(parts, readConfig(trackerSettings, {}))
    control.onChange((events) => {
      core.onControl(events)
    })
    const [asker, left, out] = await Promise.all([portal.grant(), portal.grant(), portal.grant()])
    const from = (host: string): AddressFacts => addresses.lookUp(host) ?? assert.fail(host)
    const announce = (grant: string, host: string, event: 'started' | 'stopped'): unknown =>
      core.announce(announceRequest({ grant, event }), from(host))
    const ask = async (): Promise<unknown[]> =>
      replyOf(await core.leases({ infoHash: SWARM, peers, grant: asker.token }, from('10.0.0.9'))).map(
        (lease) => (typeof lease === 'object' ? 'leased' : lease),
      )
    assert.deepEqual(await ask(), ['unsure', 'unsure', 'unsure'])
    for (const [one, host] of [
      [left, '10.0.0.1'],
      [out, '10.0.0.2'],
    ] as const)
      await announce(one.token, host, 'started')
    assert.deepEqual(await ask(), ['leased', 'leased', 'unsure'])
    await announce(left.token, '10.0.0.1', 'stopped')
    portal.tell({ kind: 'grant-revoked', id: out.claims.id, until: portal.time(hours(24)) })
    assert.deepEqual(await ask(), [undefined, undefined, 'unsure'])
    portal.clock.advance(minutes(32))
    assert.deepEqual(await ask(), [undefined, undefined, undefined])
  })
})

const NO_SITES = new SiteMap([])
