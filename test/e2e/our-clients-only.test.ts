/** `publish --admit ours`: our programs, each a process of its own, get it by TLS; others get nothing at all. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { infoHash, peerIdOfBytes } from '../../src/core/ids.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { eventsOf, shoal, untilEvent } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { digestOf, seededBytes } from '../support/tree.ts'
import { printed, Running } from './running.ts'

const NAME = 'Board minutes.bin'
const SIZE_BYTES = 8_388_609

describe('A release for our own clients only', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  let running: Running
  let path: string
  let bundle: string
  let hash: string

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(90_000), '--limit-up', '3MB'))
    path = join(running.dir, 'elsewhere', NAME)
    await mkdir(join(running.dir, 'elsewhere'))
    await writeFile(path, seededBytes(NAME, SIZE_BYTES))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  it('is published from another machine, which sends it to the origin by TLS', async () => {
    const flags = ['--title', 'Board minutes', '--admit', 'ours', '--bind', '127.0.0.9']
    const ended = await running.run('publisher', 'publish', path, ...flags)
    assert.equal(ended.code, 0, printed(ended))
    const published = ended.events.find((e) => e.event === 'published')
    bundle = String(published?.['bundle'])
    hash = String(published?.['infohash'])
    const again = await running.run('publisher', 'publish', path, '--title', 'Board minutes')
    assert.equal(again.code, 1, printed(again))
    assert.match(again.stderr, /say --admit ours/)
  })

  it('is fetched by two machines that enrol by themselves, with equal bytes', async () => {
    const started = ['one', 'two'].map((name, i) =>
      running.start(name, 'get', bundle, '--out', running.person(name).out, '--bind', `127.0.0.${i + 2}`),
    )
    for (const [i, child] of started.entries()) {
      await untilEvent(child, 'done', AbortSignal.timeout(60_000)).catch((error: unknown) => {
        throw new Error(child.transcript(), { cause: error })
      })
      const { out } = running.person(i === 0 ? 'one' : 'two')
      assert.equal(await digestOf(join(out, NAME)), await digestOf(path))
    }
  })

  it('has no link for other clients, and says in one sentence what to type', async () => {
    const link = await running.run('admin', 'link', bundle)
    assert.equal(link.code, 1, printed(link))
    assert.match(link.stderr, /own clients only.*shoal get board-minutes@1/)
  })

  it('is fetched without any token by a machine that was enrolled by a code', async () => {
    const code = await running.run('admin', 'device', 'code', '--user', 'kim')
    assert.equal(code.code, 0, printed(code))
    const text = String(code.events.find((e) => e.event === 'device-code')?.['code'])
    const { dataDir, out } = running.person('kiosk')
    const where = { dataDir, env: { SHOAL_PORTAL: running.portal } }
    const enrolled = await shoal(where, 'device', 'enrol', '--code', text)
    assert.equal(enrolled.code, 0, printed(enrolled))
    const got = await shoal(where, 'get', bundle, '--out', out, '--bind', '127.0.0.6')
    assert.equal(got.code, 0, printed(got))
    assert.equal(await digestOf(join(out, NAME)), await digestOf(path))
  })

  it('gives a stranger that knows infohash and address not one byte, plain', async () => {
    const socket = connect(running.peerPort, '127.0.0.1')
    const peerId = peerIdOfBytes(Buffer.from('-XX0000-abcdefghijkl'))
    socket.write(encodeHandshake({ infoHash: infoHash(hash), peerId, hasExtensions: true, hasFast: true }))
    let bytes = 0
    socket.on('data', (part) => (bytes += part.length))
    socket.on('error', () => undefined)
    await new Promise((resolve) => socket.once('close', resolve))
    assert.equal(bytes, 0)
  })

  it('is taken from a device that is revoked in mid-download, and is refused to it afterwards', async () => {
    const { out } = running.person('three')
    const get = ['get', bundle, '--out', out, '--bind', '127.0.0.5']
    const child = running.start('three', ...get, '--limit-down', '500kB')
    const isMoving = (line: string): true | undefined =>
      Number((JSON.parse(line) as { bytes?: number }).bytes) > 0 || undefined
    await child.untilLine(isMoving, AbortSignal.timeout(60_000))
    const listed = await running.run('admin', 'device', 'list')
    const newest = listed.events.find((e) => e.event === 'device' && e['isOrigin'] === false)
    assert.ok(newest, printed(listed))
    assert.equal((await running.run('admin', 'device', 'revoke', String(newest['device']))).code, 0)
    const isAlone = (): true | undefined => {
      const last = eventsOf(child).findLast((e) => e.event === 'progress')
      return (last !== undefined && Object.values(last['peers'] ?? {}).every((n) => n === 0)) || undefined
    }
    await until('it to be dropped', () => Promise.resolve(isAlone()), AbortSignal.timeout(30_000))
    child.kill('SIGINT')
    assert.equal((await child.exited).code, 5)
    const refused = await running.run('three', ...get)
    assert.equal(refused.code, 3, printed(refused))
    assert.match(refused.stderr, /revoked/)
  })
})
