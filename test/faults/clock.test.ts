/** Clocks that are ten minutes off, as on machines that nobody set: at a person's, and at a tracker. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type InfoHash, peerId } from '../../src/core/ids.ts'
import { minutes } from '../../src/core/units.ts'
import { announceUrl, parseAnnounceReply } from '../../src/wire/announce.ts'
import { parseMagnet } from '../../src/wire/magnet.ts'
import { FILE, printed, Running } from '../e2e/running.ts'
import { shoal, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { digestOf } from '../support/tree.ts'

const PRELOAD = new URL('./support/shifted-clock.ts', import.meta.url).href

describe('A clock ten minutes', function () {
  this.timeout(60_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(50_000)))
  })
  after(() => stack.disposeAsync())

  function off(offMs: number, name: string): ShoalWhere & { readonly out: string } {
    const person = running.person(name)
    const env = { ...person.env, NODE_OPTIONS: `--import=${PRELOAD}`, CLOCK_OFF_MS: String(offMs) }
    return { ...person, env }
  }

  async function linkFor(expires: string): Promise<{ magnet: string; grant: string }> {
    const made = await running.run('admin', 'link', FILE.bundle, '--expires', expires)
    return made.events.find((e) => e.event === 'link') as unknown as { magnet: string; grant: string }
  }

  for (const [direction, offMs] of [
    ['ahead of', minutes(10)],
    ['behind', 0 - minutes(10)],
  ] as const) {
    it(`${direction} that of the portal does not keep a person from a bundle, nor from a link that ends sooner than that`, async () => {
      const { magnet } = await linkFor('5m')
      for (const [name, what] of [
        ['by-bundle', FILE.bundle],
        ['by-link', magnet],
      ] as const) {
        // prettier-ignore
        const { out, ...where } = off(offMs, `${name}-${offMs}`)
        const got = await shoal(where, 'get', what, '--out', out, '--bind', '127.0.0.2')
        assert.equal(got.code, 0, printed(got))
        assert.equal(await digestOf(join(out, FILE.name)), await digestOf(join(running.library, FILE.name)))
      }
    })

    it(`${direction} that of the portal is told to the operator of the tracker that has it, which goes on by its own`, async () => {
      await using tracker = startShoal(off(offMs, `tracker-${offMs}`), 'tracker', '--listen', '127.0.0.1:0')
      const { tracker: url } = await untilEvent(tracker, 'ready', AbortSignal.timeout(30_000))
      const told = new RegExp(
        `the clock of this machine is (?:599|600|601) s ${direction} that of the portal: set one`,
      )
      await until(
        'a warning',
        () => tracker.errors.find((line) => told.test(line)),
        AbortSignal.timeout(10_000),
      )

      const ask = async ({ magnet }: { magnet: string }): Promise<string> => {
        const { infoHash, trackers } = parseMagnet(magnet)
        const at = (trackers[0] ?? '').replace(running.portal, String(url))
        const reply = parseAnnounceReply(await announce(at, infoHash))
        return reply.kind === 'reply' ? 'let in' : reply.refusal.reason
      }
      assert.equal(await ask(await linkFor('24h')), 'let in')
      const short = await ask(await linkFor('5m'))
      assert.match(
        short,
        offMs > 0
          ? /^grant expired at .*, get a fresh link at http.* \(the clock of this tracker is (?:599|600|601) s ahead of/
          : /^let in$/,
      )
      const revoked = await linkFor('24h')
      await running.run('admin', 'revoke', revoked.grant)
      await until('the tracker to hear of it', async () => /revoked/.test(await ask(revoked)) || undefined, AbortSignal.timeout(10_000)) // prettier-ignore
    })
  }
})

async function announce(url: string, infoHash: InfoHash): Promise<Uint8Array> {
  const request = {
    infoHash, peerId: peerId('ab'.repeat(20)), port: 50_000, uploadedBytes: 0, downloadedBytes: 0, leftBytes: 1,
    numWant: 0, key: 'k', compact: true, isOurs: true, event: 'started',
  } as const // prettier-ignore
  return new Uint8Array(await (await fetch(announceUrl(url, request))).arrayBuffer())
}
