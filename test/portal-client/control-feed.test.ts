import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { epochMillis, seconds } from '../../src/core/units.ts'
import { silentLogger, type Logger } from '../../src/platform/log.ts'
import { ControlFeed, PortalClient } from '../../src/portal-client/index.ts'
import { signControlAnswer } from '../../src/wire/control-answer.ts'
import type { ControlAnswer, ControlEvent } from '../../src/wire/control.ts'
import { signKeyDocument } from '../../src/wire/key-document.ts'
import type { Jwks, PublicKey } from '../../src/wire/keys.ts'
import type { SigningKey } from '../../src/wire/signing-key.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answer, refused, serve, until } from './fixtures.ts'
import { ISSUED_AT, keys } from './link-portal.ts'

const AT = Date.parse('2026-07-01T12:00:00.000Z')
const epoch = (n: number): ControlEvent => ({ kind: 'epoch', epoch: n })

function said(seq: number, snapshot: boolean, events: ControlEvent[], at: number = AT): ControlAnswer {
  return { portal: 'https://media.example.com', seq, snapshot, at: new Date(at).toISOString(), events }
}

/** One feed and the portal that it asks: a test holds each poll until it says what to answer. */
async function feedAndPortal(
  options: { portalKeys?: readonly PublicKey[]; log?: Logger } = { portalKeys: [keys.portal.publicKey] },
) {
  const polls: { readonly after: number; readonly res: ServerResponse }[] = []
  const shown: { jwks?: Jwks } = {}
  const server = await serve((req, res) => {
    const url = new URL(req.url ?? '', 'http://x')
    if (url.pathname === '/.well-known/jwks.json') answer(res, shown.jwks)
    else polls.push({ after: Number(url.searchParams.get('after')), res })
  })
  const clock = new ManualClock()
  const client = new PortalClient({ baseUrl: server.url })
  const feed = new ControlFeed({ client, clock, random: () => 1, log: silentLogger, ...options })
  const stop = new AbortController()
  return {
    feed,
    clock,
    stop,
    server,
    start: () => feed.start(stop.signal),
    show: async (key: SigningKey, previous?: SigningKey) => {
      const document = { portal: server.url, hosts: [], keys: [key.publicKey], issuedAt: ISSUED_AT }
      shown.jwks = await signKeyDocument(document, key, previous)
    },
    /** The next poll, once it is there. */
    poll: async () => {
      await until(() => polls.length > 0)
      const poll = polls.shift()
      assert.ok(poll)
      const { res } = poll
      return {
        after: poll.after,
        tell: async (what: ControlAnswer, key = keys.portal) =>
          void res.end(await signControlAnswer(what, key)),
        say: (text: string, status = 200) => void res.writeHead(status).end(text),
      }
    },
    /** Lets the feed wait until it tries again, and gives for how long it would have waited. */
    retried: async () => {
      await until(() => clock.timers > 0)
      const wait = (clock.nextAt ?? 0) - clock.now()
      clock.advance(seconds(5))
      return wait
    },
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('ControlFeed', () => {
  it('is started once the first answer is applied, and asks for what comes after', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    const first = await at.poll()
    assert.equal(first.after, 0)
    assert.equal(at.feed.state.isReady, false)
    await first.tell(said(7, true, [epoch(1)]))
    await started
    assert.equal(at.feed.state.epoch, 1)
    assert.equal(at.feed.lastContact, at.clock.epoch())
    assert.equal((await at.poll()).after, 7)
  })

  it('applies answer after answer', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(1, true, []))
    await started
    await (await at.poll()).tell(said(2, false, [epoch(2)]))
    assert.equal((await at.poll()).after, 2)
    assert.equal(at.feed.state.epoch, 2)
  })

  it('asks a portal that has nothing to tell once a second at most', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(1, true, []))
    await started
    await (await at.poll()).tell(said(1, false, []))
    assert.equal(await at.retried(), 1_000)
    assert.equal((await at.poll()).after, 1)
  })

  it('waits for a portal that is not up yet, longer from time to time', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      ;(await at.poll()).say('', 503)
      waits.push(await at.retried())
    }
    assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
    await (await at.poll()).tell(said(1, true, []))
    await started
  })

  it('does not wait for a portal that refuses its token', async () => {
    await using at = await feedAndPortal()
    const started = assert.rejects(at.start(), refused('not-authenticated'))
    ;(await at.poll()).say('', 401)
    await started
  })

  it('holds what it knows through an outage, and goes on where it was', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(5, true, [epoch(1)]))
    await started
    ;(await at.poll()).say('', 401)
    await at.retried()
    const next = await at.poll()
    assert.equal(next.after, 5)
    assert.equal(at.feed.state.epoch, 1)
    await next.tell(said(6, false, [epoch(2)]))
    await at.poll()
    assert.equal(at.feed.state.epoch, 2)
  })

  it('begins anew with a portal that was restored to an earlier number', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(500, true, [epoch(1)]))
    await started
    await (await at.poll()).tell(said(3, true, [epoch(2)], AT + 1_000))
    assert.equal((await at.poll()).after, 3)
    assert.equal(at.feed.state.epoch, 2)
  })

  const replays: Readonly<Record<string, ControlAnswer>> = {
    'an answer that goes back': said(4, false, [epoch(9)]),
    'a snapshot that is older than what is known': said(6, true, [epoch(9)], AT - 100_000),
    'an answer that brings again what was told': said(5, false, [epoch(9)]),
  }
  for (const [what, replay] of Object.entries(replays)) {
    it(`does not apply ${what}`, async () => {
      await using at = await feedAndPortal()
      const started = at.start()
      await (await at.poll()).tell(said(5, true, [epoch(1)]))
      await started
      await (await at.poll()).tell(replay)
      await at.retried()
      assert.equal((await at.poll()).after, 5)
      assert.equal(at.feed.state.epoch, 1)
    })
  }

  it('does not begin with anything but a snapshot', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(5, false, [epoch(9)]))
    await at.retried()
    const next = await at.poll()
    assert.equal(at.feed.state.isReady, false)
    await next.tell(said(5, true, []))
    await started
  })

  it('refuses an answer by a key that is not the portal’s', async () => {
    await using at = await feedAndPortal()
    await at.show(keys.portal)
    const started = assert.rejects(at.start(), refused('not-granted'))
    await (await at.poll()).tell(said(1, true, []), keys.nextPortal)
    await started
  })

  it('follows the portal to a new key that the old one signed', async () => {
    await using at = await feedAndPortal()
    await at.show(keys.nextPortal, keys.portal)
    const started = at.start()
    await (await at.poll()).tell(said(1, true, [epoch(1)]), keys.nextPortal)
    await started
    assert.equal(at.feed.state.epoch, 1)
  })

  it('does not follow it to a new key that the old one did not sign', async () => {
    await using at = await feedAndPortal()
    await at.show(keys.nextPortal)
    const started = assert.rejects(at.start(), refused('not-granted'))
    await (await at.poll()).tell(said(1, true, []), keys.nextPortal)
    await started
  })

  it('believes the first key that the portal shows when none was given', async () => {
    await using at = await feedAndPortal({})
    await at.show(keys.portal)
    const started = at.start()
    await (await at.poll()).tell(said(1, true, []))
    await started
    assert.equal(at.server.asked[0], 'GET /.well-known/jwks.json')
  })

  it('outlives noise', async () => {
    await using at = await feedAndPortal()
    await at.show(keys.portal)
    const started = at.start()
    await (await at.poll()).tell(said(1, true, []))
    await started
    for (const noise of ['', 'x', '..', 'eyJhbGciOiJub25lIn0..', '{"seq":1}']) {
      ;(await at.poll()).say(noise)
      await at.retried()
    }
    await (await at.poll()).tell(said(2, false, [epoch(2)]))
    await at.poll()
    assert.equal(at.feed.state.epoch, 2)
  })

  it('says once that a clock is more than a minute and a half off, and again when it is off anew', async () => {
    const warnings: string[] = []
    const warn = (_facts: unknown, text: string): void => void warnings.push(text)
    const log = Object.assign(Object.create(silentLogger) as Logger, { warn })
    await using at = await feedAndPortal({ portalKeys: [keys.portal.publicKey], log })
    const started = at.start()
    for (const [seq, offSeconds] of [89, 600, 600, 0, -600].entries()) {
      at.clock.setEpoch(epochMillis(AT + 1_000 * offSeconds))
      await (await at.poll()).tell(said(seq + 1, true, [epoch(seq + 1)]))
      await until(() => at.feed.state.epoch === seq + 1)
    }
    await started
    assert.deepEqual(
      warnings.map((text) => /machine is (.*): set one/.exec(text)?.[1]),
      ['600 s ahead of that of the portal', '600 s behind that of the portal'],
    )
  })

  it('stops with its signal: a start that waits is rejected, no timer is left', async () => {
    await using at = await feedAndPortal()
    const reason = new Error('enough')
    const started = assert.rejects(at.start(), reason)
    ;(await at.poll()).say('', 503)
    await until(() => at.clock.timers > 0)
    at.stop.abort(reason)
    await started
    assert.equal(at.clock.timers, 0)
  })

  it('stops when it is disposed of, in the middle of a poll', async () => {
    await using at = await feedAndPortal()
    const started = at.start()
    await (await at.poll()).tell(said(1, true, []))
    await started
    await at.poll()
    await at.feed[Symbol.asyncDispose]()
    assert.equal(at.clock.timers, 0)
  })
})
