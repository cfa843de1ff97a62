import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { Endpoint } from '../../src/core/address.ts'
import { minutes, seconds } from '../../src/core/units.ts'
import { probeByDialling, type DialOutcome } from '../../src/platform/dial-probe.ts'
import type { AddressFacts } from '../../src/tracker/address-book.ts'
import { ReachTester } from '../../src/tracker/reach-tester.ts'
import { parseReachReply, reachUrl } from '../../src/wire/reach.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { TestTracker } from './http-support.ts'
import { altered, ip, OTHER_SWARM, SWARM, TestPortal } from './support.ts'

const from = (host: string, isListable = true): AddressFacts => ({
  host: ip(host),
  site: { name: 'lyon', cidrs: [] },
  isListable,
  isLoopback: false,
})

/** It notes whom it dials, and answers when it is let. */
function watchedDial(outcome: DialOutcome | Promise<DialOutcome> = 'open') {
  const dialled: Endpoint[] = []
  const dial = (at: Endpoint): Promise<DialOutcome> => {
    dialled.push(at)
    return Promise.resolve(outcome)
  }
  return { dialled, dial }
}

describe('A test whether a peer can be reached', () => {
  it('dials the address that asks, at the port that it names, and nobody else', async () => {
    const { dialled, dial } = watchedDial()
    const answer = await new ReachTester({ clock: new ManualClock(), dial }).test(from('10.0.0.1'), 6_881)
    assert.deepEqual(answer, { reply: { host: '10.0.0.1', isReachable: true } })
    assert.deepEqual(dialled, [{ host: '10.0.0.1', port: 6_881 }])
  })

  for (const outcome of ['refused', 'silent'] as const)
    it(`says no when the port is ${outcome}`, async () => {
      const { dial } = watchedDial(outcome)
      const answer = await new ReachTester({ clock: new ManualClock(), dial }).test(from('10.0.0.1'), 6_881)
      assert.deepEqual(answer, { reply: { host: '10.0.0.1', isReachable: false } })
    })

  it('is refused for a port that no peer may have, and for an address that is told to nobody', async () => {
    const { dialled, dial } = watchedDial()
    const tester = new ReachTester({ clock: new ManualClock(), dial })
    for (const port of [1, 22, 80, limits.peerPortMin - 1]) {
      const answer = await tester.test(from('10.0.0.1'), port)
      assert.equal('refusal' in answer && answer.refusal.kind, 'port-refused')
    }
    const answer = await tester.test(from('169.254.1.1', false), 6_881)
    assert.equal('refusal' in answer && answer.refusal.kind, 'address-refused')
    assert.deepEqual(dialled, [])
  })

  it('is made a few times a minute for an address, while others go on', async () => {
    const clock = new ManualClock()
    const { dialled, dial } = watchedDial()
    const tester = new ReachTester({ clock, dial })
    for (let i = 0; i < limits.reachTestsPerMinuteMax; i++)
      assert.ok('reply' in (await tester.test(from('10.0.0.1'), 6_881)))
    const answer = await tester.test(from('10.0.0.1'), 6_881)
    assert.equal('refusal' in answer && answer.refusal.kind, 'busy')
    assert.equal(dialled.length, limits.reachTestsPerMinuteMax)
    assert.ok('reply' in (await tester.test(from('10.0.0.2'), 6_881)))
    clock.advance(seconds(59))
    assert.ok('refusal' in (await tester.test(from('10.0.0.1'), 6_881)))
    clock.advance(minutes(1))
    assert.ok('reply' in (await tester.test(from('10.0.0.1'), 6_881)))
  })

  it('counts the hosts of one IPv6 network together', async () => {
    const tester = new ReachTester({ clock: new ManualClock(), dial: watchedDial().dial })
    for (let i = 0; i < limits.reachTestsPerMinuteMax; i++)
      await tester.test(from(`2001:db8::${i + 1}`), 6_881)
    assert.ok('refusal' in (await tester.test(from('2001:db8::ffff'), 6_881)))
    assert.ok('reply' in (await tester.test(from('2001:db8:0:1::1'), 6_881)))
  })

  it('waits for a free place no longer than to say so, and a place is free again when a test has ended', async () => {
    const held = Promise.withResolvers<DialOutcome>()
    const { dialled, dial } = watchedDial(held.promise)
    const tester = new ReachTester({ clock: new ManualClock(), dial })
    const running = Array.from({ length: limits.reachTestsMax }, (_, i) =>
      tester.test(from(`10.0.0.${i}`), 6_881),
    )
    const answer = await tester.test(from('10.0.1.1'), 6_881)
    assert.equal('refusal' in answer && answer.refusal.kind, 'busy')
    assert.equal(dialled.length, limits.reachTestsMax)
    held.resolve('open')
    await Promise.all(running)
    assert.ok('reply' in (await tester.test(from('10.0.1.1'), 6_881)))
  })

  it('gives its place back when dialling fails', async () => {
    let fails = true
    const dial = (): Promise<DialOutcome> =>
      fails ? Promise.reject(new Error('no descriptor is free')) : Promise.resolve('open')
    const tester = new ReachTester({ clock: new ManualClock(), dial })
    for (let i = 0; i < limits.reachTestsMax; i++)
      await assert.rejects(tester.test(from(`10.0.0.${i}`), 6_881), /no descriptor/)
    fails = false
    assert.ok('reply' in (await tester.test(from('10.0.1.1'), 6_881)))
  })
})

describe('GET /reach', () => {
  let portal: TestPortal
  let tracker: TestTracker
  before(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, { allowedRanges: '127.1.0.0/16' })
  })
  after(() => tracker[Symbol.asyncDispose]())

  const ask = async (
    token: string | undefined,
    port: number,
    { infoHash = SWARM, localAddress = '127.1.0.1' } = {},
  ): Promise<{ isReachable: boolean; host: string }> => {
    const base = token === undefined ? '/announce' : `/announce?g=${token}`
    const { status, body } = await tracker.get(reachUrl(base, { infoHash, port }) ?? '', { localAddress })
    assert.equal(status, 200)
    return parseReachReply(body)
  }

  it('tells a peer where it is seen, and whether that port of its own takes connections', async () => {
    const { token } = await portal.grant()
    let accepted = 0
    const server = createServer((socket) => {
      accepted++
      socket.destroy()
    })
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.1.0.7', () => {
        resolve((server.address() as { port: number }).port)
      })
    })
    try {
      assert.deepEqual(await ask(token, port, { localAddress: '127.1.0.7' }), {
        isReachable: true,
        host: '127.1.0.7',
      })
      assert.equal(accepted, 1)
      assert.deepEqual(await ask(token, port, { localAddress: '127.1.0.8' }), {
        isReachable: false,
        host: '127.1.0.8',
      })
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('is for whoever may join the swarm, and refused in the words of an announce', async () => {
    const { token } = await portal.grant()
    const refused = (reason: RegExp) => ({ code: 'not-granted', message: reason })
    await assert.rejects(ask(undefined, 6_881), refused(/^grant refused$/))
    await assert.rejects(ask(altered(token), 6_881), refused(/^grant refused$/))
    await assert.rejects(ask(token, 6_881, { infoHash: OTHER_SWARM }), refused(/another release/))
    await assert.rejects(ask(token, 22), refused(/choose a listening port/))
    await assert.rejects(ask(token, 6_881, { localAddress: '127.2.0.1' }), refused(/not admitted here/))
  })

  it('makes nobody a peer of the swarm', async () => {
    const { token } = await portal.grant()
    await ask(token, 6_881, { localAddress: '127.1.0.9' })
    assert.equal(tracker.stats().peers, 0)
  })
})

describe('Dialling to see whether somebody is there', () => {
  it('tells an open port from one that refuses, and hangs up', async () => {
    const closed = Promise.withResolvers<undefined>()
    const server = createServer((socket) => {
      socket.on('close', () => {
        closed.resolve(undefined)
      })
      socket.resume()
    })
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as { port: number }).port)
      })
    })
    const at = { host: ip('127.0.0.1'), port }
    assert.equal(await probeByDialling(at, seconds(5)), 'open')
    await closed.promise
    await new Promise((resolve) => server.close(resolve))
    assert.equal(await probeByDialling(at, seconds(5)), 'refused')
  })
})
