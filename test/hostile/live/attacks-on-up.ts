/**
 * All that ever hurt a server of this kind, against a `shoal up` that really runs: it lives, its event loop goes on,
 * its memory is bounded, and whoever is honest gets their bytes meanwhile.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type InfoHash, infoHash } from '../../../src/core/ids.ts'
import { encodeHandshake } from '../../../src/wire/handshake.ts'
import { parseMagnet } from '../../../src/wire/magnet.ts'
import { hostileInputs } from '../../support/corpus.ts'
import { until } from '../../support/processes.ts'
import { eventsOf, shoal, startShoal, untilEvent, type ShoalWhere } from '../../support/processes-shoal.ts'
import { seededBytes } from '../../support/tree.ts'
import { UdpAsker } from '../../tracker/udp-support.ts'
import { callApi, converse, dribble, requestOf, silentSockets, type ApiAnswer } from './http-attacks.ts'
import { plantHostileLibrary } from './hostile-library.ts'
import { RSS_BYTES_MAX, Watched } from './watched.ts'
import { replaySignals, silentWebSockets } from './websocket-attacks.ts'
import { LARGE_JSON, LARGE_TORRENTS } from '../made-inputs.ts'
import { attackPeerPort, hostilePeers } from '../peer-corpus.ts'

const FILE = { name: 'honest.bin', bundle: 'honest-bin', sizeBytes: 24_000_001 }
const TORRENT = 'application/x-bittorrent'

export function attacksOnUp(): void {
  describe('shoal up, attacked', function () {
    this.timeout(120_000)
    const content = seededBytes(FILE.name, FILE.sizeBytes)
    const digest = createHash('sha256').update(content).digest('hex')
    const stack = new AsyncDisposableStack()
    let dir: string
    let up: Watched
    let portal: string
    let port: number
    let peerPort: number
    let udpPort: number
    let token: string
    let grant: string
    let hash: InfoHash
    let gets = 0

    const api = (method: string, path: string, body?: Uint8Array, type?: string): Promise<ApiAnswer> =>
      callApi(portal, { method, path: `/api/v1${path}`, token, ...(body && { body }), ...(type && { type }) })
    const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
    const postTorrent = (bytes: Uint8Array): Promise<ApiAnswer> =>
      api('POST', '/bundles/attacked/releases', bytes, TORRENT)

    /** An honest person's whole download, from an address of their own; resolves when its SHA-256 was compared. */
    async function honestGet(): Promise<void> {
      const n = ++gets
      const where: ShoalWhere = {
        dataDir: join(dir, `person ${n}`),
        env: { SHOAL_PORTAL: portal, SHOAL_TOKEN_FILE: join(dir, 'data', 'admin.token') },
      }
      const out = join(dir, `out ${n}`)
      const ended = await shoal(where, 'get', FILE.bundle, '--out', out, '--bind', `127.0.0.${1 + n}`)
      assert.equal(ended.code, 0, `${ended.stdout}\n${ended.stderr}`)
      const got = createHash('sha256')
        .update(await readFile(join(out, FILE.name)))
        .digest('hex')
      assert.equal(got, digest)
    }

    /** The attack, while somebody honest downloads. */
    async function besideHonestWork(attack: () => Promise<unknown>): Promise<void> {
      await Promise.all([attack(), honestGet()])
      assert.equal(up.child.hasExited, false, up.child.transcript())
    }

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'shoal-live-'))
      stack.defer(() => rm(dir, { recursive: true, force: true }))
      const library = join(dir, 'library')
      await mkdir(library)
      await writeFile(join(library, FILE.name), content)
      const where = { dataDir: join(dir, 'data'), logFile: join(dir, 'up.log') }
      const flags = ['--library', library, '--listen', '127.0.0.1:0', '--peer-port', '0', '--udp-port', '0']
      up = stack.use(new Watched(join(dir, 'probe'), (env) => startShoal({ ...where, env }, 'up', ...flags)))
      const ready = await untilEvent(up.child, 'ready')
      portal = String(ready.portal)
      port = Number(new URL(portal).port)
      peerPort = Number(ready.peerPort)
      udpPort = Number(ready.udpPort)
      token = (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim()
      const link = await until(
        'the bundle to be live',
        async () => {
          const answer = await api('POST', `/bundles/${FILE.bundle}/releases/latest/links`, json({}))
          return answer.status === 201
            ? (JSON.parse(answer.body) as { magnet: string; infohash: string })
            : undefined
        },
        AbortSignal.timeout(30_000),
      )
      hash = infoHash(link.infohash)
      grant = new URL(parseMagnet(link.magnet).trackers[0] ?? '').searchParams.get('g') ?? ''
      await api('POST', '/bundles', json({ title: 'attacked' }))
      await up.beginWatching()
    })

    after(async () => {
      await stack.disposeAsync()
    })

    it('bears every hostile peer ever seen', async () => {
      const hostiles = hostilePeers()
      assert.ok(hostiles.length >= 40)
      await besideHonestWork(async () => {
        const sockets = await Promise.all(
          hostiles.map((hostile, i) =>
            attackPeerPort(hostile, {
              port: peerPort,
              infoHash: hash,
              // Each from an address of its own; many sockets from many, or only the bound of one is tried.
              localAddress: (n) => `127.1.${1 + i}.${1 + Math.floor(n / 40)}`,
            }),
          ),
        )
        for (const socket of sockets.flat()) socket.destroy()
      })
    })

    it('bears peers that say all they have to say a byte at a time, and floods of connections', async () => {
      const handshake = encodeHandshake({
        infoHash: hash,
        peerId: infoHash('ab'.repeat(20)) as never,
        hasExtensions: true,
        hasFast: true,
      })
      const abort = new AbortController()
      await besideHonestWork(async () => {
        const slow = Array.from({ length: 40 }, () =>
          dribble(peerPort, Buffer.concat([handshake, Buffer.alloc(4_000)]), abort.signal),
        )
        for (let round = 0; round < 10; round++)
          for (const socket of await silentSockets(peerPort, 200, '')) socket.resetAndDestroy()
        abort.abort()
        await Promise.all(slow)
      })
    })

    it('answers every hostile request to the tracker, briefly', async () => {
      const inputs = hostileInputs('tracker-http')
      await besideHonestWork(async () => {
        const answers = await Promise.all(
          inputs.map(async (input, i) => {
            const bytes = requestOf(input, grant, encodeURIComponent('x').repeat(20))
            return { name: input.name, answer: await converse(port, `127.0.4.${1 + i}`, bytes) }
          }),
        )
        for (const { name, answer } of answers) {
          assert.match(answer, /^HTTP\/1\.1 (200|303|400|404|405|414|431) /, name)
          assert.ok(answer.length < 64_000, name)
          assert.ok(!answer.includes(grant), `${name}: the answer carries the grant`)
        }
      })
    })

    it('answers every hostile datagram to the tracker, never at length before it knows who asks', async () => {
      const inputs = hostileInputs('udp-tracker')
      await besideHonestWork(async () => {
        for (const [i, { name, bytes }] of inputs.entries()) {
          await using asker = await UdpAsker.open(`127.0.5.${1 + i}`, udpPort, '127.0.0.1')
          const sizes = (await asker.raw(bytes)).map((answer) => answer.length)
          assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= bytes.length, name)
          const proved = Uint8Array.from(bytes)
          if (bytes.length >= 16) proved.set(await asker.connect(), 0)
          assert.ok((await asker.raw(proved)).length <= 1, name)
        }
      })
    })

    it('bears callers who open, begin, dawdle or do not read', async () => {
      const abort = new AbortController()
      const announce = `GET /announce?g=${grant}&info_hash=${'%aa'.repeat(20)} HTTP/1.1\r\nhost: x\r\n\r\n`
      await besideHonestWork(async () => {
        const slow = [dribble(port, Buffer.from(announce.repeat(9)), abort.signal)]
        const open = await Promise.all([
          silentSockets(port, 500, ''),
          silentSockets(port, 500, announce.slice(0, 60)),
          silentSockets(
            port,
            50,
            'POST /api/v1/bundles HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n{',
          ),
        ])
        const greedy = await silentSockets(port, 5, announce.repeat(1_000))
        for (const socket of greedy) socket.pause()
        const health = await callApi(portal, { method: 'GET', path: '/healthz' })
        assert.equal(health.status, 200)
        abort.abort()
        await Promise.all(slow)
        for (const socket of [...open.flat(), ...greedy]) socket.destroy()
      })
    })

    it('bears every hostile message of a browser ever seen, and WebSockets that say nothing', async () => {
      await besideHonestWork(async () => {
        const silent = await silentWebSockets(port, 500, grant)
        const answers = await replaySignals(port, hostileInputs('signal'), grant)
        assert.ok(answers.length >= 130)
        for (const { name, said } of answers) {
          assert.ok(said.length < 2_000, name)
          assert.ok(!said.includes(grant), `${name}: the answer carries the grant`)
        }
        for (const socket of silent) socket.terminate()
      })
    })

    it('has kept its promises to this point, against strangers', async () => {
      up.mustHaveKeptItsPromises('shoal up, attacked by strangers')
      await up.beginWatching()
    })

    describe('and then by a publisher', () => {
      // First, since a folder is looked at when it has been quiet for a while: that is worked at beside all else.
      before(async () => {
        stack.use(await plantHostileLibrary(join(dir, 'library')))
      })

      it('refuses every hostile .torrent that a publisher sends', async () => {
        await besideHonestWork(async () => {
          for (const input of [...hostileInputs('torrent'), ...hostileInputs('bencode')]) {
            const { status } = await postTorrent(input.bytes)
            // Those that may be read are not private, or are no torrent.
            assert.ok(
              status === 400 || status === 413 || (input.mustBeRead && status === 201),
              `${input.name}: ${status}`,
            )
          }
        })
      })

      it('reads torrents as large and as slow to check as they can be, or refuses them', async () => {
        await besideHonestWork(async () => {
          const posted = Object.entries(LARGE_TORRENTS).map(async ([what, make]) => {
            const { status, body } = await postTorrent(make())
            assert.ok([201, 400, 413].includes(status), `${what}: ${status} ${body.slice(0, 200)}`)
          })
          await Promise.all(posted)
          const detail = await api('GET', '/bundles/attacked')
          assert.equal(detail.status, 200)
          assert.match(detail.body, /"sizeBytes":1/)
          const globs = Array.from({ length: 32 }, (_, i) => `**/no${i}*such*`)
          const name = (JSON.parse(detail.body) as { releases: { name: string }[] }).releases[0]?.name ?? ''
          const link = await api('POST', `/bundles/attacked/releases/${name}/links`, json({ files: globs }))
          assert.ok(link.status >= 400 && link.status < 500, `${link.status} ${link.body}`)
        })
      })

      it('takes no hostile poster', async () => {
        const path = `/bundles/${FILE.bundle}/releases/latest/poster`
        await besideHonestWork(async () => {
          for (const { name, bytes, mustBeRead } of hostileInputs('jpeg')) {
            const { status } = await api('PUT', path, bytes, 'image/jpeg')
            assert.ok(mustBeRead ? status === 204 : status === 400 || status === 413, `${name}: ${status}`)
          }
        })
      })

      it('bears what may stand in the body of a request', async () => {
        await besideHonestWork(async () => {
          for (const [what, make] of Object.entries(LARGE_JSON)) {
            const { status } = await api('POST', '/bundles', make())
            assert.ok(status === 400 || status === 201 || status === 413, `${what}: ${status}`)
          }
          const endless = Buffer.alloc(20_000_000, 0x20)
          const stranger = await callApi(portal, { method: 'POST', path: '/api/v1/bundles', body: endless })
          assert.ok([0, 401, 413].includes(stranger.status), String(stranger.status))
          for (const query of [
            'cursor=%00',
            `q=${'%22'.repeat(200)}`,
            'q=*',
            'limit=1e9',
            'q=a&q=b',
            'tag[]=x',
            'q=NEAR(a%20b)',
          ])
            assert.ok((await api('GET', `/bundles?${query}`)).status < 500, query)
        })
      })

      it('publishes nothing hostile out of its library, and goes on publishing the rest', async () => {
        await besideHonestWork(() =>
          until(
            'the honest file to be published',
            async () => ((await api('GET', '/bundles/later-txt')).body.includes('"live"') ? true : undefined),
            AbortSignal.timeout(60_000),
          ),
        )
        assert.equal((await api('GET', '/bundles/growing-bin')).status, 404)
        await until(
          'hostile media to be read',
          async () =>
            (await api('GET', '/bundles/hostile-media')).body.includes('"media"') ? true : undefined,
          AbortSignal.timeout(60_000),
        )
      })

      it('says how it fares in its metrics', async () => {
        const { status, body } = await callApi(portal, { method: 'GET', path: '/metrics', token })
        assert.equal(status, 200)
        assert.match(body, /^nodejs_eventloop_lag_max_seconds \d/m)
        assert.match(body, /^process_resident_memory_bytes \d/m)
      })

      it('has kept its promises all the while, and stops when it is told to', async () => {
        // It holds the lists of files that it was sent, as it should; what strangers can make it hold is above.
        up.mustHaveKeptItsPromises('shoal up, attacked by a publisher', 2 * RSS_BYTES_MAX)
        up.child.kill('SIGTERM')
        assert.equal((await up.child.exited).code, 0, up.child.transcript())
        assert.equal(eventsOf(up.child).filter((event) => event.event === 'error').length, 0)
        const errors = (await readFile(join(dir, 'up.log'), 'utf8'))
          .split('\n')
          .filter((line) => / ERROR|"level":50/.test(line))
        assert.deepEqual(errors, [])
      })
    })
  })
}
