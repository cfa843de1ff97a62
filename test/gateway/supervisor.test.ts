import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import type { ToChild } from '../../src/gateway/messages.ts'
import { Supervisor, waitAfter } from '../../src/gateway/supervisor.ts'
import { mutedLogger } from '../../src/platform/muted-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

const FILM = infoHash('aa'.repeat(20))
const OTHER = infoHash('bb'.repeat(20))

/** A child on strings. */
class FakeChild {
  readonly heard: ToChild[] = []
  answersPings = true
  getsReady = true
  wasKilled = false
  readonly #say: (message: unknown) => void
  readonly #end: (how: string) => void

  constructor(on: { onMessage: (message: unknown) => void; onExit: (how: string) => void }) {
    this.#say = on.onMessage
    this.#end = on.onExit
  }

  send(message: ToChild): void {
    this.heard.push(message)
    if (message.kind === 'begin' && this.getsReady) this.say({ kind: 'ready', udpPort: 5_000 })
    if (message.kind === 'ping' && this.answersPings) this.alive({ n: message.n })
    if (message.kind === 'stop') this.die('code 0')
  }

  kill(): void {
    this.wasKilled = true
    this.die('SIGKILL')
  }

  alive(over: object = {}): void {
    this.say({
      kind: 'alive',
      n: 1,
      rssBytes: 1,
      sentBytes: 0,
      refused: 0,
      releases: [],
      traffic: [],
      ...over,
    })
  }

  say(message: unknown): void {
    this.#say(message)
  }

  die(how = 'SIGSEGV'): void {
    this.#end(how)
  }

  kinds(): string[] {
    return this.heard.map(({ kind }) => kind).filter((kind) => kind !== 'ping')
  }
}

describe('the supervisor of the gateway', () => {
  let clock: ManualClock
  let children: FakeChild[]
  let warnings: string[]
  let supervisor: Supervisor
  let failed: string[]
  let sent: number
  let ends: number
  let getReady: boolean

  const last = (): FakeChild => {
    const child = children.at(-1)
    assert.ok(child)
    return child
  }

  beforeEach(() => {
    clock = new ManualClock()
    children = []
    warnings = []
    failed = []
    sent = 0
    ends = 0
    getReady = true
    const note = (_about: unknown, text: string): void => void warnings.push(text)
    supervisor = new Supervisor(
      {
        clock,
        log: { ...mutedLogger, warn: note, error: note } as typeof mutedLogger,
        beginChild: (on) => {
          const child = new FakeChild(on)
          child.getsReady = getReady
          children.push(child)
          return child
        },
        onAlive: ({ traffic }) => {
          for (const { ends } of traffic) for (const end of ends) sent += end.sentBytes
        },
        onEnded: () => ends++,
        onFailed: (_hash, reason) => failed.push(reason),
        onRefused: (_hash, reason) => failed.push(reason),
      },
      { begin: { udpPort: 0, peersMax: 5, iceServers: [] }, memoryMax: 1_000 },
    )
  })
  afterEach(() => supervisor[Symbol.asyncDispose]())

  const serve = (infohash = FILM): void =>
    supervisor.serve({
      kind: 'serve',
      infohash,
      info: new Uint8Array(3),
      folder: '/x',
      from: 'files',
      announceUrls: ['http://t/announce?g=1'],
    })

  it('begins another within two seconds when one ends, and says to it all that it is to serve', () => {
    serve()
    serve(OTHER)
    supervisor.renew(FILM, ['http://t/announce?g=2'])
    supervisor.drop(OTHER)
    last().die()
    assert.equal(supervisor.udpPort, undefined)
    clock.advance(millis(1_999))
    assert.equal(children.length, 2)
    assert.equal(supervisor.udpPort, 5_000)
    assert.deepEqual(last().kinds(), ['begin', 'serve'])
    const [, again] = last().heard
    assert.ok(again?.kind === 'serve' && again.infohash === FILM)
    assert.deepEqual(again.announceUrls, ['http://t/announce?g=2'])
  })

  it('comes back more rarely when it ends again and again, and never gives up', () => {
    const waits = Array.from({ length: 12 }, (_, ends) => waitAfter(ends + 1))
    assert.deepEqual(waits.slice(0, 6), [100, 100, 100, 1_000, 2_000, 4_000])
    assert.equal(waits.at(-1), 30_000)
    for (let n = 0; n < 50; n++) {
      last().die()
      clock.advance(seconds(30))
    }
    assert.equal(supervisor.restarts, 50)
    assert.equal(children.length, 51)
  })

  it('says so twice in a run of ends, not a line for each', () => {
    for (let n = 0; n < 20; n++) {
      last().die()
      clock.advance(seconds(30))
    }
    assert.equal(warnings.length, 2)
  })

  it('counts anew once one has lived for a minute', () => {
    for (let n = 0; n < 5; n++) {
      last().die()
      clock.advance(seconds(30))
    }
    clock.advance(minutes(1))
    last().die()
    clock.advance(millis(100))
    assert.equal(children.length, 7)
  })

  it('kills one that does not answer, and begins another', () => {
    last().answersPings = false
    clock.advance(seconds(5))
    assert.equal(last().wasKilled, false)
    clock.advance(seconds(2))
    assert.equal(children[0]?.wasKilled, true)
    assert.equal(children.length, 2)
  })

  it('kills one that answers and does not get ready', () => {
    getReady = false
    last().die()
    clock.advance(seconds(20))
    assert.equal(children.length, 2)
    clock.advance(seconds(3))
    assert.equal(children[1]?.wasKilled, true)
    assert.equal(children.length, 3)
  })

  it('says that one has ended: nobody is connected to it any more', () => {
    last().die()
    assert.equal(ends, 1)
  })

  it('kills one that takes too much memory', () => {
    last().alive({ rssBytes: 1_001 })
    assert.equal(children[0]?.wasKilled, true)
  })

  it('kills one that says what it never says, and believes nothing of it', () => {
    const lies = [
      null,
      'alive',
      { kind: 'alive', n: 1 },
      { kind: 'ready', udpPort: 70_000 },
      { kind: 'run', command: 'rm' },
      { kind: 'failed', infohash: '../../etc', reason: '' },
      { kind: 'alive', n: 1, rssBytes: -1, sentBytes: 0, refused: 0, releases: [], traffic: [] },
    ]
    for (const lie of lies) {
      const child = last()
      child.say(lie)
      assert.equal(child.wasKilled, true, JSON.stringify(lie))
      clock.advance(seconds(30))
    }
    assert.deepEqual(failed, [])
  })

  it('writes down sixty lines of it in a minute, and how many there were beyond', () => {
    for (let n = 0; n < 1_000; n++) last().say({ kind: 'log', level: 'warn', text: `line ${n}` })
    assert.equal(warnings.length, 60)
    clock.advance(minutes(1))
    last().say({ kind: 'log', level: 'warn', text: 'calm again' })
    assert.deepEqual(warnings.slice(60), [
      'the gateway to browsers said more than is written down',
      'calm again',
    ])
    last().say({ kind: 'log', level: 'warn', text: 'and again' })
    assert.equal(warnings.length, 63)
  })

  it('hears nothing more of one that is gone', () => {
    const [first] = children
    first?.die()
    first?.say({ kind: 'failed', infohash: FILM, reason: 'late' })
    assert.deepEqual(failed, [])
  })

  it('tells what was sent and what cannot be served', () => {
    const ends = [{ at: '10.0.0.1', from: 'site', receivedBytes: 0, sentBytes: 7 }]
    last().alive({ traffic: [{ infohash: FILM, ends }] })
    last().say({ kind: 'failed', infohash: FILM, reason: 'the file is gone' })
    last().say({ kind: 'refused', infohash: FILM, reason: 'expired' })
    assert.equal(sent, 7)
    assert.deepEqual(failed, ['the file is gone', 'expired'])
  })

  it('stops its child, asking for what it sent last, and begins no other', async () => {
    await supervisor[Symbol.asyncDispose]()
    assert.deepEqual(
      last()
        .heard.slice(-2)
        .map(({ kind }) => kind),
      ['ping', 'stop'],
    )
    clock.advance(minutes(5))
    assert.equal(children.length, 1)
  })
})
