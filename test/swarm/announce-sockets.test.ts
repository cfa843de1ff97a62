/** A thousand torrents of one process and the sockets that they open at their tracker. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { seededRandom } from '../../src/core/random.ts'
import { minutes } from '../../src/core/units.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { Announcer } from '../../src/swarm/announcer.ts'
import { fetchAnnounce } from '../../src/swarm/tracker-http.ts'
import { Trackers } from '../../src/swarm/trackers.ts'
import { encodeAnnounceReply, parseAnnounceQuery } from '../../src/wire/announce.ts'
import { limits } from '../../src/wire/limits.ts'
import { recordFigures } from '../support/figures.ts'

const TORRENTS = 1_000
const BODY = encodeAnnounceReply(
  { intervalMs: minutes(30), complete: 1, incomplete: 0, peers: [] },
  { compact: true, withFlags: true },
)

/** It answers only when all that may come at once have come, or nobody else is left: the worst that it can see. */
class SlowTracker {
  readonly asked = new Map<string, string[]>()
  socketsMost = 0
  answered = 0
  readonly #waiting: ServerResponse[] = []
  readonly #sockets = new Set<unknown>()
  readonly server: Server

  constructor() {
    this.server = createServer((req, res) => {
      const { infoHash: hash, event = '' } = parseAnnounceQuery((req.url ?? '').split('?')[1] ?? '')
      this.asked.set(hash, [...(this.asked.get(hash) ?? []), event])
      this.#waiting.push(res)
      this.#answerIfFull()
    })
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket)
      this.socketsMost = Math.max(this.socketsMost, this.#sockets.size)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  #answerIfFull(): void {
    const left = TORRENTS - (this.answered % TORRENTS)
    if (this.#waiting.length < Math.min(limits.announcesAtOnceMax, left)) return
    this.answered += this.#waiting.length
    for (const res of this.#waiting.splice(0)) res.end(BODY)
  }
}

describe('A process with a thousand torrents', function () {
  this.timeout(120_000)

  it('opens few sockets at its tracker, and asks for each torrent once', async () => {
    const tracker = new SlowTracker()
    tracker.server.listen(0, '127.0.0.1')
    await once(tracker.server, 'listening')
    const address = tracker.server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const url = `http://127.0.0.1:${address.port}/announce`
    const random = seededRandom(1)
    const trackers = new Trackers({ clock: systemClock, random })
    let replies = 0
    const all = Promise.withResolvers<undefined>()
    const announcers = Array.from({ length: TORRENTS }, (_, i) => {
      const parts = {
        clock: systemClock,
        random,
        trackers,
        fetch: fetchAnnounce,
        urls: () => [[url]],
        standing: () => ({
          infoHash: infoHash(i.toString(16).padStart(40, '0')),
          peerId: peerId('22'.repeat(20)),
          port: 16_881,
          uploadedBytes: 0,
          downloadedBytes: 0,
          leftBytes: 0,
          compact: true,
          isOurs: true,
        }),
        need: () => 'none' as const,
        onOutcome: () => {
          if (++replies === TORRENTS) all.resolve(undefined)
        },
      }
      return new Announcer(parts, { from: undefined })
    })
    const cpuBefore = process.cpuUsage()
    for (const announcer of announcers) announcer.announce()
    await all.promise
    const { user, system } = process.cpuUsage(cpuBefore)
    await Promise.all(announcers.map((announcer) => announcer.stop()))
    tracker.server.closeAllConnections()
    tracker.server.close()
    recordFigures('announces of a thousand torrents of one process', {
      torrents: TORRENTS,
      socketsMost: tracker.socketsMost,
      cpuMs: Math.round((user + system) / 1_000),
    })
    assert.ok(tracker.socketsMost <= 2 * limits.announcesAtOnceMax, `${tracker.socketsMost} sockets`)
    assert.equal(tracker.asked.size, TORRENTS)
    const started = [...tracker.asked.values()].filter(([event]) => event === 'started')
    assert.equal(started.length, TORRENTS)
  })
})
