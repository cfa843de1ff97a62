import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { SiteMap } from '../../src/core/site.ts'
import { seconds } from '../../src/core/units.ts'
import { announceUrl } from '../../src/wire/announce.ts'
import { parseScrapeReply } from '../../src/wire/scrape.ts'
import { hostsOf, reasonOf, TestTracker } from './http-support.ts'
import { announceRequest, ip, OTHER_SWARM, randomPeerId, SWARM, TestPortal } from './support.ts'

const SITES = new SiteMap([
  { name: 'lyon', cidrs: ['127.1.0.0/16'] },
  { name: 'oslo', cidrs: ['127.2.0.0/16'] },
])

describe('The tracker over HTTP', () => {
  let portal: TestPortal
  let tracker: TestTracker
  let grant: string

  beforeEach(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, {}, () => SITES)
    grant = (await portal.grant()).token
  })
  afterEach(() => tracker[Symbol.asyncDispose]())

  it('introduces two holders of grants to each other', async () => {
    assert.deepEqual(hostsOf(await tracker.announce({ grant }, { localAddress: '127.1.0.1' })), [])
    const second = (await portal.grant()).token
    assert.deepEqual(hostsOf(await tracker.announce({ grant: second }, { localAddress: '127.2.0.2' })), [
      '127.1.0.1',
    ])
    assert.deepEqual(hostsOf(await tracker.announce({ grant }, { localAddress: '127.1.0.1' })), ['127.2.0.2'])
  })

  it('answers a stock client with its address and how many there are, and nothing of our own', async () => {
    await tracker.announce({ grant, leftBytes: 0, isOurs: true }, { localAddress: '127.1.0.9' })
    const { body } = await tracker.get(announceUrl('/announce', announceRequest({ grant })))
    const text = Buffer.from(body).toString('latin1')
    assert.ok(!text.includes('2:sh') && !text.includes('sh '), text)
    const answer = await tracker.announce({ grant })
    assert.ok(answer.kind === 'reply')
    assert.equal(answer.reply.externalIp, '127.0.0.1')
    assert.equal(answer.reply.intervalMs, seconds(60))
    assert.deepEqual([answer.reply.complete, answer.reply.incomplete], [1, 1])
  })

  it('asks a stock leecher back soon while it knows nobody for it', async () => {
    const alone = await tracker.announce({ grant, leftBytes: 1 })
    assert.ok(alone.kind === 'reply')
    assert.equal(alone.reply.intervalMs, seconds(60))
  })

  it('tells our own client its site, the epoch and what each peer is', async () => {
    const origin = { peerId: randomPeerId(), host: ip('127.9.0.1'), port: 16_881 }
    portal.tell(
      { kind: 'serves', role: 'origin', ...origin, infohashes: [SWARM] },
      { kind: 'epoch', epoch: 7 },
    )
    await tracker.announce({ grant, isOurs: true }, { localAddress: '127.1.0.9' })
    const answer = await tracker.announce({ grant, isOurs: true }, { localAddress: '127.1.0.1' })
    assert.ok(answer.kind === 'reply')
    assert.deepEqual(answer.reply.site, { name: 'lyon', cidrs: ['127.1.0.0/16'] })
    assert.equal(answer.reply.intervalMs, seconds(60))
    const flags = answer.reply.peers.map((peer) => [peer.host, peer.flags?.isOrigin, peer.flags?.isOurs])
    assert.deepEqual(flags, [
      ['127.1.0.9', false, true],
      ['127.9.0.1', true, true],
    ])
  })

  it('shows our own clients another epoch when the portal begins one, and when it has begun anew itself', async () => {
    const epoch = async (of: TestTracker): Promise<number | undefined> => {
      const answer = await of.announce({ grant, isOurs: true })
      return answer.kind === 'reply' ? answer.reply.epoch : undefined
    }
    const first = await epoch(tracker)
    assert.equal(await epoch(tracker), first)
    portal.tell({ kind: 'epoch', epoch: 7 })
    const second = await epoch(tracker)
    portal.clock.advance(seconds(5))
    await using again = await TestTracker.start(portal)
    const third = await epoch(again)
    assert.equal(new Set([first, second, third, undefined]).size, 4)
  })

  it("gives our own clients the swarm's key, and nobody else", async () => {
    const answer = await tracker.announce({ grant, isOurs: true })
    assert.ok(answer.kind === 'reply' && answer.reply.swarmKey?.length === 64)
    for (const compact of [true, false]) {
      const raw = await tracker.get(announceUrl('/announce', announceRequest({ grant, compact })))
      assert.ok(!Buffer.from(raw.body).includes('sh key'))
      assert.ok(!Buffer.from(raw.body).includes(Buffer.from(answer.reply.swarmKey, 'hex')))
    }
  })

  it('gives leechers an origin that never announced, and counts it as a seed', async () => {
    const origin = { peerId: randomPeerId(), host: ip('127.9.0.1'), port: 16_881 }
    portal.tell({ kind: 'serves', role: 'origin', ...origin, infohashes: [SWARM] })
    const answer = await tracker.announce({ grant })
    assert.deepEqual(hostsOf(answer), ['127.9.0.1'])
    assert.ok(answer.kind === 'reply' && answer.reply.complete === 1)
    assert.deepEqual(hostsOf(await tracker.announce({ grant, leftBytes: 0, isOurs: true })), [])
    assert.deepEqual(
      hostsOf(await tracker.announce({ grant, port: 16_881 }, { localAddress: '127.9.0.1' })),
      ['127.0.0.1'],
    )
  })

  it('gives a stock client that says it has everything an origin all the same: it may have a magnet only', async () => {
    const origin = { peerId: randomPeerId(), host: ip('127.9.0.1'), port: 16_881 }
    portal.tell({ kind: 'serves', role: 'origin', ...origin, infohashes: [SWARM] })
    assert.deepEqual(hostsOf(await tracker.announce({ grant, leftBytes: 0 })), ['127.9.0.1'])
  })

  it('lists same-site peers first', async () => {
    await tracker.announce({ grant }, { localAddress: '127.2.0.1' })
    await tracker.announce({ grant }, { localAddress: '127.1.0.1' })
    const answer = await tracker.announce({ grant, isOurs: true }, { localAddress: '127.1.0.2' })
    assert.ok(answer.kind === 'reply')
    assert.deepEqual(
      answer.reply.peers.map((peer) => peer.host),
      ['127.1.0.1', '127.2.0.1'],
    )
  })

  it('forgets a peer that stopped, and one whose lease ran out, with its swarm', async () => {
    await tracker.announce({ grant, event: 'started' }, { localAddress: '127.1.0.1' })
    await tracker.announce({ grant, event: 'stopped' }, { localAddress: '127.1.0.1' })
    assert.equal(tracker.stats().swarms, 0)
    await tracker.announce({ grant, isOurs: true }, { localAddress: '127.1.0.1' })
    assert.equal(tracker.stats().swarms, 1)
    portal.clock.advance(seconds(200))
    assert.equal(tracker.stats().swarms, 0)
  })

  it('lets nobody stop the peer of another machine', async () => {
    const peerId = randomPeerId()
    await tracker.announce({ grant, peerId }, { localAddress: '127.1.0.1' })
    await tracker.announce({ grant, peerId, event: 'stopped' }, { localAddress: '127.1.0.2' })
    assert.equal(tracker.stats().peers, 1)
  })

  it('keeps started and stopped of a grant never seen in their order', async () => {
    const requests = [
      tracker.announce({ grant, event: 'started' }),
      tracker.announce({ grant, event: 'stopped' }),
    ]
    await Promise.all(requests)
    assert.equal(tracker.stats().peers, 0)
  })

  it('counts by scrape only the release of the grant', async () => {
    await tracker.announce({ grant, leftBytes: 0, event: 'completed' }, { localAddress: '127.1.0.1' })
    await tracker.announce({ grant })
    const path = (hex: string): string => `/scrape?g=${grant}&info_hash=${hex.replace(/../g, '%$&')}`
    const own = await tracker.get(path(SWARM))
    assert.deepEqual(
      parseScrapeReply(own.body),
      new Map([[SWARM, { complete: 1, incomplete: 1, downloaded: 1 }]]),
    )
    const refused = async (target: string): Promise<string> =>
      Buffer.from((await tracker.get(target)).body).toString()
    assert.match(await refused(path(OTHER_SWARM)), /another release/)
    assert.match(await refused(`${path(SWARM)}&info_hash=${'%bb'.repeat(20)}`), /another release/)
    assert.match(await refused(`/scrape?g=${grant}`), /info_hash/)
    assert.match(await refused(`/scrape?info_hash=${'%aa'.repeat(20)}`), /grant refused/)
  })

  it('answers GET only, in plain text, and refuses over-long queries', async () => {
    const path = announceUrl('/announce', announceRequest({ grant }))
    const reply = await tracker.get(path)
    assert.equal(reply.headers['content-type'], 'text/plain')
    assert.equal((await tracker.get(path, { method: 'HEAD' })).status, 405)
    assert.equal((await tracker.get(path, { method: 'POST' })).status, 405)
    assert.equal((await tracker.get(`${path}&x=${'x'.repeat(3_000)}`)).status, 414)
    assert.equal((await tracker.get('/announcement')).status, 404)
  })

  it('keeps the connection of a client that asks for it', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const path = announceUrl('/announce', announceRequest({ grant }))
    const first = await tracker.get(path, { agent })
    assert.equal(first.headers['connection'], 'keep-alive')
    assert.equal((await tracker.get(path, { agent })).isReused, true)
    agent.destroy()
    assert.equal((await tracker.get(path)).headers['connection'], 'close')
  })

  it('says whether it runs and whether it knows the keys', async () => {
    assert.equal((await tracker.get('/healthz')).status, 200)
    assert.equal((await tracker.get('/readyz')).status, 200)
  })
})

describe('The address of a peer', () => {
  let portal: TestPortal
  let grant: string
  beforeEach(async () => {
    portal = await TestPortal.open()
    grant = (await portal.grant()).token
  })

  /** What the tracker takes the client for. */
  async function seenAs(settings: Record<string, string>, forwardedFor: string): Promise<string | undefined> {
    await using tracker = await TestTracker.start(portal, settings)
    const answer = await tracker.announce({ grant }, { headers: { 'x-forwarded-for': forwardedFor } })
    return answer.kind === 'reply' ? answer.reply.externalIp : answer.refusal.reason
  }

  it('is the connection, whatever a header says, when no proxy is trusted', async () => {
    assert.equal(await seenAs({}, '10.1.2.3'), '127.0.0.1')
    assert.equal(await seenAs({ trustedProxies: '10.0.0.0/8' }, '10.1.2.3'), '127.0.0.1')
  })

  it('is the right-most hop that is no trusted proxy', async () => {
    const trusted = { trustedProxies: '127.0.0.0/8, 10.9.0.0/16' }
    assert.equal(await seenAs(trusted, '10.1.2.3'), '10.1.2.3')
    assert.equal(await seenAs(trusted, '192.168.7.7, 10.1.2.3, 10.9.0.4'), '10.1.2.3')
    assert.equal(await seenAs(trusted, 'FD00::1'), 'fd00::1')
  })

  it('is unknown, never guessed, when a trusted proxy sends nonsense', async () => {
    const trusted = { trustedProxies: '127.0.0.0/8' }
    for (const nonsense of ['1.2.3.4.5.6', '', 'unknown', '1.2.3.4:80', 'fe80::1%eth0'])
      assert.match((await seenAs(trusted, nonsense)) ?? '', /cannot be told/, nonsense)
  })

  it('must be one that others can dial, in the allowed ranges', async () => {
    const trusted = { trustedProxies: '127.0.0.0/8' }
    for (const host of ['169.254.1.1', '224.0.0.5', '0.0.0.0', '255.255.255.255', 'fe80::1', 'ff02::1', '::'])
      assert.match((await seenAs(trusted, host)) ?? '', /not admitted/, host)
    // the last three: labs and sandboxes number their machines by the ranges of examples and benchmarks
    for (const host of [
      '10.0.0.1',
      '8.8.8.8',
      'fd00::1',
      '100.64.0.1',
      '2a00::1',
      '192.0.2.2',
      '198.18.0.1',
      '2001:db8::1',
    ])
      assert.equal(await seenAs(trusted, host), host)
    const narrow = { ...trusted, allowedRanges: '10.0.0.0/8' }
    assert.equal(await seenAs(narrow, '10.0.0.1'), '10.0.0.1')
    assert.match((await seenAs(narrow, '192.168.0.1')) ?? '', /not admitted/)
  })

  it('is never a loopback one in a reply to another machine', async () => {
    await using tracker = await TestTracker.start(portal, { trustedProxies: '127.0.0.1/32' })
    await tracker.announce({ grant })
    const far = { headers: { 'x-forwarded-for': '10.1.2.3' } }
    assert.deepEqual(hostsOf(await tracker.announce({ grant }, far)), [])
    assert.deepEqual(hostsOf(await tracker.announce({ grant })), ['10.1.2.3'])
  })

  it('goes with a port that is no service', async () => {
    await using tracker = await TestTracker.start(portal)
    assert.match(reasonOf(await tracker.announce({ grant, port: 22 })) ?? '', /1024/)
    assert.equal(tracker.stats().peers, 0)
  })
})
