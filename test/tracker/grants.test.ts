import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { limits } from '../../src/wire/limits.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { hostsOf, reasonOf, TestTracker, type HttpOptions } from './http-support.ts'
import { altered, OTHER_SWARM, SWARM, TestPortal, type Issued } from './support.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const REFUSED = 'grant refused'

describe('Grants at the tracker', () => {
  let portal: TestPortal
  let tracker: TestTracker
  let issued: Issued

  beforeEach(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, {
      portalUrl: 'https://media.example',
      grantFailuresPerMinuteMax: '1000',
    })
    issued = await portal.grant()
  })
  afterEach(() => tracker[Symbol.asyncDispose]())

  const at = (localAddress: string): HttpOptions => ({ localAddress })
  const refusalOf = async (grant: string, options?: HttpOptions): Promise<string | undefined> =>
    reasonOf(await tracker.announce({ grant }, options))

  it('are required', async () => {
    assert.equal(reasonOf(await tracker.announce({})), REFUSED)
    assert.equal(tracker.stats().peers, 0)
  })

  it('are refused by one constant text when altered anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(issued.token.length - 1),
        fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_', '.'),
        async (where, char) => {
          const altered = issued.token.slice(0, where) + char + issued.token.slice(where + 1)
          assert.equal(await refusalOf(altered), altered === issued.token ? undefined : REFUSED)
        },
      ),
      { numRuns },
    )
  })

  it('are refused when another key signed them', async () => {
    const { key } = await generateSigningKey('grant')
    assert.equal(await refusalOf((await portal.grant(SWARM, hours(1), key)).token), REFUSED)
  })

  it('open the swarm of their release only', async () => {
    const answer = await tracker.announce({ grant: issued.token, infoHash: OTHER_SWARM })
    assert.equal(reasonOf(answer), 'this grant is for another release')
    assert.ok(answer.kind === 'refused' && answer.refusal.retryInMs === 'never')
    assert.equal(tracker.stats().swarms, 0)
  })

  it('say when they expired and where to get a fresh one, known before or not', async () => {
    const other = await portal.grant(SWARM, hours(24))
    assert.equal(await refusalOf(issued.token), undefined)
    portal.clock.advance(hours(24))
    assert.equal(await refusalOf(issued.token), undefined, 'within the leeway of clocks')
    portal.clock.advance(limits.clockLeeway)
    portal.clock.advance(seconds(1))
    const reason = `grant expired at ${new Date(issued.claims.expiresAt).toISOString()}, get a fresh link at https://media.example`
    assert.equal(await refusalOf(issued.token), reason)
    assert.equal(await refusalOf(other.token), reason)
    assert.equal(await refusalOf(other.token), reason)
  })

  it('keep their peer in no swarm for longer than they last', async () => {
    const short = await portal.grant(SWARM, minutes(5))
    await tracker.announce({ grant: short.token }, at('127.0.0.2'))
    assert.deepEqual(hostsOf(await tracker.announce({ grant: issued.token })), ['127.0.0.2'])
    portal.clock.advance(minutes(7))
    assert.deepEqual(hostsOf(await tracker.announce({ grant: issued.token })), [])
  })

  it('take their peers out of the swarm at the moment they are revoked', async () => {
    const other = await portal.grant()
    await tracker.announce({ grant: issued.token }, at('127.0.0.2'))
    await tracker.announce({ grant: other.token }, at('127.0.0.3'))
    portal.tell({ kind: 'grant-revoked', id: issued.claims.id, until: portal.time(hours(24)) })
    assert.equal(tracker.stats().peers, 1)
    assert.match((await refusalOf(issued.token, at('127.0.0.2'))) ?? '', /revoked/)
    assert.deepEqual(hostsOf(await tracker.announce({ grant: other.token })), ['127.0.0.3'])
  })

  it('end with a recall of their release, a refusal of all issued before, and the end of their key', async () => {
    const ends = [
      () => portal.tell({ kind: 'recalled', infohash: SWARM }),
      () => portal.tell({ kind: 'refuse-before', scope: 'all', value: '', before: portal.time(seconds(1)) }),
      () => portal.tell({ kind: 'grant-key-retired', kid: portal.key.kid }),
    ]
    for (const end of ends) {
      const world = await TestPortal.open()
      await using own = await TestTracker.start(world)
      const { token } = await world.grant()
      await own.announce({ grant: token })
      assert.equal(own.stats().peers, 1)
      portal = world
      end()
      assert.equal(own.stats().peers, 0)
      assert.notEqual(reasonOf(await own.announce({ grant: token })), undefined)
    }
  })

  it('do not outlive their key under the same name', async () => {
    const { key } = await generateSigningKey('grant')
    await tracker.announce({ grant: issued.token })
    portal.tell({ kind: 'grant-key', key: { ...key.publicKey, kid: portal.key.kid } })
    assert.equal(tracker.stats().peers, 0)
    assert.notEqual(await refusalOf(issued.token), undefined)
  })

  it('are used from so many addresses as they were made for', async () => {
    portal.tell({ kind: 'grant-peers', id: issued.claims.id, peersMax: 2, until: portal.time(hours(24)) })
    assert.equal(await refusalOf(issued.token, at('127.0.0.2')), undefined)
    assert.equal(await refusalOf(issued.token, at('127.0.0.3')), undefined)
    assert.match((await refusalOf(issued.token, at('127.0.0.4'))) ?? '', /2 addresses/)
    assert.equal(await refusalOf(issued.token, at('127.0.0.2')), undefined)
    await tracker.announce({ grant: issued.token, event: 'stopped' }, at('127.0.0.2'))
    assert.notEqual(
      await refusalOf(issued.token, at('127.0.0.4')),
      undefined,
      'stopping frees no place at once',
    )
    portal.clock.advance(hours(2))
    assert.equal(await refusalOf(issued.token, at('127.0.0.4')), undefined)
  })

  it('hold a bounded number of ports at an address, the oldest giving way', async () => {
    await using small = await TestTracker.start(portal, { peersPerAddressMax: '2' })
    for (const port of [5_001, 5_002, 5_003]) await small.announce({ grant: issued.token, port })
    assert.equal(small.stats().peers, 2)
    const answer = await small.announce({ grant: issued.token }, at('127.0.0.9'))
    assert.ok(answer.kind === 'reply')
    assert.deepEqual(answer.reply.peers.map((peer) => peer.port).toSorted(), [5_002, 5_003])
  })

  it('cost an address that brings too many bad ones its turn, but not those who were known', async () => {
    await using strict = await TestTracker.start(portal, { grantFailuresPerMinuteMax: '3' })
    const ask = async (grant: string): Promise<string | undefined> =>
      reasonOf(await strict.announce({ grant }))
    assert.equal(await ask(issued.token), undefined)
    for (let i = 0; i < 4; i++) assert.equal(await ask(altered(issued.token, i)), REFUSED)
    const fresh = await portal.grant()
    assert.equal(await ask(fresh.token), REFUSED)
    assert.equal(await ask(issued.token), undefined)
    assert.equal(reasonOf(await strict.announce({ grant: fresh.token }, at('127.0.0.8'))), undefined)
    portal.clock.advance(minutes(1))
    assert.equal(await ask((await portal.grant()).token), undefined)
  })

  it('wait until the tracker has heard of the keys', async () => {
    await using early = await TestTracker.start({ clock: portal.clock, control: new ControlState() })
    const answer = await early.announce({ grant: issued.token })
    assert.ok(answer.kind === 'refused')
    assert.match(answer.refusal.reason, /just started/)
    assert.equal(answer.refusal.retryInMs, minutes(1))
    assert.equal((await early.get('/readyz')).status, 503)
  })
})
