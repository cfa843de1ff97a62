import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { addMillis, epochMillis, hours, minutes, seconds, type EpochMillis } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { GrantRenewer, PortalClient, type HeldGrant } from '../../src/portal-client/index.ts'
import { newGrantId } from '../../src/wire/grant.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answer, serve, until } from './fixtures.ts'

/** A grant of ten hours, so that it is renewed after eight. */
function grantFrom(issuedAt: EpochMillis, name: string): HeldGrant {
  const announceUrl = `http://t.example/announce?g=${name}`
  return { id: newGrantId(issuedAt), expiresAt: addMillis(issuedAt, hours(10)), announceUrl }
}

async function renewerAndPortal() {
  const waiting: ServerResponse[] = []
  const server = await serve((_req, res) => void waiting.push(res))
  const clock = new ManualClock()
  const client = new PortalClient({ baseUrl: server.url, token: 'x' })
  const refusals: string[] = []
  const renewed: HeldGrant[] = []
  const first = grantFrom(clock.epoch(), 'first')
  const renewer = new GrantRenewer(
    {
      client,
      clock,
      random: () => 1,
      log: silentLogger,
      onRefused: (reason) => void refusals.push(reason),
      onRenewed: (grant) => void renewed.push(grant),
    },
    first,
  )
  renewer.start()
  return {
    renewer,
    clock,
    server,
    refusals,
    renewed,
    first,
    /** Answers the request for renewal that is there or comes next. */
    reply: async (status: number, grant?: HeldGrant) => {
      await until(() => waiting.length > 0)
      const res = waiting.shift()
      assert.ok(res)
      if (grant === undefined) return void res.writeHead(status).end()
      const { id, announceUrl } = grant
      const expiresAt = new Date(grant.expiresAt).toISOString()
      answer(res, { grant: { id, expiresAt, token: 't' }, announceUrl })
    },
    async [Symbol.asyncDispose]() {
      renewer.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('GrantRenewer', () => {
  it('asks for nothing before 80 % of the life are over', async () => {
    await using at = await renewerAndPortal()
    at.clock.advance(minutes(8 * 60 - 1))
    assert.deepEqual(at.server.asked, [])
    assert.equal(at.renewer.announceUrl, at.first.announceUrl)
  })

  it('renews then, gives the new URL from there on, and renews that in its time', async () => {
    await using at = await renewerAndPortal()
    at.clock.advance(hours(8))
    const second = grantFrom(at.clock.epoch(), 'second')
    await at.reply(200, second)
    await until(() => at.renewed.length === 1)
    assert.equal(at.renewer.announceUrl, second.announceUrl)
    at.clock.advance(minutes(8 * 60 - 1))
    assert.equal(at.clock.timers, 1)
    at.clock.advance(minutes(1))
    const third = grantFrom(at.clock.epoch(), 'third')
    await at.reply(200, third)
    await until(() => at.renewed.length === 2)
    assert.deepEqual(at.renewer.grant, third)
    assert.deepEqual(at.server.asked, [
      `POST /api/v1/grants/${at.first.id}/renew`,
      `POST /api/v1/grants/${second.id}/renew`,
    ])
  })

  it('tries again while the portal is away, and keeps the old URL meanwhile', async () => {
    await using at = await renewerAndPortal()
    at.clock.advance(hours(8))
    for (const wait of [5, 10, 20]) {
      await at.reply(503)
      await until(() => at.clock.timers === 1)
      assert.equal((at.clock.nextAt ?? 0) - at.clock.now(), wait * 1_000)
      at.clock.advance(seconds(wait))
    }
    assert.equal(at.renewer.announceUrl, at.first.announceUrl)
    await at.reply(200, grantFrom(at.clock.epoch(), 'second'))
    await until(() => at.renewed.length === 1)
    assert.deepEqual(at.refusals, [])
  })

  it('gives up, with the reason, when the portal refuses', async () => {
    await using at = await renewerAndPortal()
    at.clock.advance(hours(8))
    await at.reply(403)
    await until(() => at.refusals.length === 1)
    assert.match(at.refusals[0] ?? '', /refuses \(HTTP 403\)/)
    assert.equal(at.clock.timers, 0)
  })

  it('gives up when the grant has expired', async () => {
    await using at = await renewerAndPortal()
    at.clock.advance(hours(8))
    await until(() => at.server.asked.length === 1)
    at.clock.advance(hours(3))
    await at.reply(503)
    await until(() => at.refusals.length === 1)
    assert.equal(at.clock.timers, 0)
  })

  it('notices that the date went on while timers stood still', async () => {
    await using at = await renewerAndPortal()
    at.clock.setEpoch(epochMillis(at.first.expiresAt - minutes(30)))
    at.clock.advance(minutes(11))
    await until(() => at.server.asked.length === 1)
  })

  it('asks for no more once it is stopped', async () => {
    await using at = await renewerAndPortal()
    at.renewer.stop()
    at.renewer.start()
    at.clock.advance(hours(20))
    assert.equal(at.clock.timers, 0)
    assert.deepEqual(at.server.asked, [])
  })
})
