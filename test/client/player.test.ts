import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Player, servePlayer } from '../../src/client/player.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { limits } from '../../src/wire/limits.ts'
import { hostileInputs } from '../support/corpus.ts'
import { seededBytes } from '../support/tree.ts'

const SIZE = 300_000
const NAME = 'Film: Économie #1?.mp4'
const CONTENT = Buffer.from(seededBytes(NAME, SIZE))

/** How many reads began, how many chunks were asked for, how many reads are over. */
class Source {
  begun = 0
  given = 0
  over = 0
  /** From this byte on nothing comes until the reader is aborted. */
  missingFrom = Infinity
  /** From this byte on it cannot be read. */
  brokenFrom = Infinity

  async *read(
    { start, end }: { start: number; end: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    this.begun++
    try {
      for (let at = start; at < end;) {
        if (at >= this.brokenFrom) throw new ShoalError('unavailable', 'it cannot be read')
        if (at >= this.missingFrom) await once(signal, 'abort')
        signal.throwIfAborted()
        const chunk = CONTENT.subarray(
          at,
          Math.min(end, at + 10_000, this.missingFrom <= at ? end : this.missingFrom),
        )
        this.given++
        yield chunk
        at += chunk.length
      }
    } finally {
      this.over++
    }
  }
}

const serve = (source: Source, port = 0): Promise<Player> =>
  servePlayer(
    { name: NAME, sizeBytes: SIZE, tag: 'abc-0', read: (range, signal) => source.read(range, signal) },
    { port },
  )

async function ask(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const asked = request(url, { agent: false, ...options })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

async function statusOf(url: string, options: RequestOptions = {}): Promise<number | undefined> {
  const answer = await ask(url, options)
  answer.resume()
  return answer.statusCode
}

describe('the address that a player plays from', () => {
  const source = new Source()
  let player: Player
  let url: string

  before(async () => {
    player = await serve(source)
    ;({ url } = player)
  })

  after(() => player[Symbol.asyncDispose]())

  it('is on 127.0.0.1, has a secret in it, and ends in the name of the file', () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/Film%3A%20%C3%89conomie%20%231%3F\.mp4$/)
  })

  it('gives the whole file', async () => {
    const answer = await ask(url)
    assert.equal(answer.statusCode, 200)
    const { headers } = answer
    assert.equal(headers['content-length'], String(SIZE))
    assert.equal(headers['content-type'], 'video/mp4')
    assert.equal(headers['accept-ranges'], 'bytes')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['access-control-allow-origin'], undefined)
    assert.ok((await buffer(answer)).equals(CONTENT))
  })

  const ranges: readonly (readonly [string, number, number])[] = [
    ['bytes=0-0', 0, 1],
    ['bytes=1000-1999', 1_000, 2_000],
    ['bytes=299999-', 299_999, SIZE],
    ['bytes=-1000', SIZE - 1_000, SIZE],
    ['bytes=0-999999999', 0, SIZE],
  ]
  for (const [range, start, end] of ranges)
    it(`gives what ${range} asks for`, async () => {
      const answer = await ask(url, { headers: { range } })
      assert.equal(answer.statusCode, 206)
      assert.equal(answer.headers['content-range'], `bytes ${start}-${end - 1}/${SIZE}`)
      assert.equal(answer.headers['content-length'], String(end - start))
      assert.ok((await buffer(answer)).equals(CONTENT.subarray(start, end)))
    })

  it('says how long the file is when a range lies beyond it', async () => {
    const answer = await ask(url, { headers: { range: `bytes=${SIZE}-` } })
    assert.equal(answer.statusCode, 416)
    assert.equal(answer.headers['content-range'], `bytes */${SIZE}`)
    await buffer(answer)
  })

  it('tells of a HEAD all but the bytes, and reads none', async () => {
    const { begun } = source
    const answer = await ask(url, { method: 'HEAD', headers: { range: 'bytes=5-9' } })
    assert.equal(answer.statusCode, 206)
    assert.equal(answer.headers['content-length'], '5')
    assert.equal((await buffer(answer)).length, 0)
    assert.equal(source.begun, begun)
  })

  it('goes on with what was begun only when that was the same file', async () => {
    const range = 'bytes=0-9'
    assert.equal(await statusOf(url, { headers: { range, 'if-range': '"abc-0"' } }), 206)
    for (const other of ['"abc-1"', 'W/"abc-0"', 'Thu, 26 Nov 2026 00:00:00 GMT'])
      assert.equal(await statusOf(url, { headers: { range, 'if-range': other } }), 200, other)
  })

  it('answers nobody who came by another name', async () => {
    const { port } = new URL(url)
    const { begun } = source
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      'localhost:1',
      `127.0.0.1.evil.example:${port}`,
    ])
      assert.equal(await statusOf(url, { headers: { host } }), 421, host)
    assert.equal(source.begun, begun)
    assert.equal(await statusOf(url, { headers: { host: `localhost:${port}` } }), 200)
  })

  it('answers nobody who gives no name, or two', async () => {
    const { port, pathname } = new URL(url)
    const { begun } = source
    for (const head of [
      `GET ${pathname} HTTP/1.0\r\n\r\n`,
      `GET ${pathname} HTTP/1.1\r\n\r\n`,
      `GET ${pathname} HTTP/1.1\r\nHost:\r\n\r\n`,
      `GET ${pathname} HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    ]) {
      const socket = connect(Number(port), '127.0.0.1')
      socket.end(head)
      assert.match((await buffer(socket)).toString(), /^HTTP\/1\.1 4/, head)
    }
    assert.equal(source.begun, begun)
  })

  it('answers nobody who lacks its secret', async () => {
    const { begun } = source
    const [, token = '', name = ''] = new URL(url).pathname.split('/')
    const other = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
    for (const path of [
      '/',
      `/${name}`,
      `/${other}/${name}`,
      `/${token}`,
      `/${token}/`,
      `/${token}/x.mp4`,
      `/${token}/${name}/`,
      `/${token}/%`,
      `//${token}/${name}`,
      `/${token.slice(1)}/${name}`,
      `/é/${name}`,
      `/${'x'.repeat(4_000)}/${name}`,
    ])
      // prettier-ignore
      assert.equal(await statusOf(new URL(url).origin, { path: encodeURI(decodeSafely(path)) }), 404, path)
    assert.equal(source.begun, begun)
  })

  it('is for reading only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      const answer = await ask(url, { method })
      assert.equal(answer.statusCode, 405, method)
      assert.equal(answer.headers.allow, 'GET, HEAD')
      await buffer(answer)
    }
  })

  for (const { name, text, mustBeRead } of hostileInputs('byte-range'))
    if (/^[\t\x20-\x7e]*$/.test(text))
      it(`${mustBeRead ? 'answers' : 'refuses'} the hostile range ${name}`, async () => {
        const status = await statusOf(url, { headers: { range: text } })
        // Another unit than bytes is passed over (RFC 9110, 14.2).
        const good = mustBeRead ? [200, 206, 416] : [200, 416]
        assert.ok(good.includes(status ?? 0), String(status))
      })

  it('refuses a range that is said twice', async () => {
    assert.equal(
      await statusOf(url, {
        headers: ['Host', new URL(url).host, 'Range', 'bytes=0-1', 'Range', 'bytes=4-5'],
      }),
      416,
    )
  })

  it('ends a read when the player goes', async () => {
    source.missingFrom = 100_000
    const { over } = source
    const asked = request(url, { agent: false })
    asked.on('error', () => undefined)
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.on('error', () => undefined)
    await once(answer, 'data')
    asked.destroy()
    while (source.over === over) await new Promise((resolve) => setImmediate(resolve))
    source.missingFrom = Infinity
  })

  it('cuts an answer short when the file cannot be read on', async () => {
    source.brokenFrom = 50_000
    const answer = await ask(url)
    assert.equal(answer.headers['content-length'], String(SIZE))
    await assert.rejects(buffer(answer))
    source.brokenFrom = Infinity
    assert.ok((await buffer(await ask(url))).equals(CONTENT))
  })

  it('has the oldest answer end when there are too many', async () => {
    source.missingFrom = 0
    const { over } = source
    const asked = Array.from({ length: limits.playerStreamsMax + 1 }, () => request(url, { agent: false }))
    const ends: unknown[] = []
    for (const [i, one] of asked.entries()) {
      one.on('error', () => undefined)
      one.end()
      const [answer] = (await once(one, 'response')) as [IncomingMessage]
      answer.once('error', () => ends.push(i))
      answer.resume()
    }
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(ends, [0])
    assert.equal(source.over, over + 1)
    for (const one of asked) one.destroy()
    source.missingFrom = Infinity
  })
})

describe('a player that does not read on', () => {
  it('holds a few chunks, not the file', async () => {
    const huge = 1_000_000_000
    let given = 0
    const player = await servePlayer(
      {
        name: 'x.mkv',
        sizeBytes: huge,
        tag: 'x',
        async *read() {
          for (; given < huge; given += 65_536) yield await Promise.resolve(new Uint8Array(65_536))
        },
      },
      { port: 0 },
    )
    await using stack = new AsyncDisposableStack()
    stack.use(player)
    const { port, pathname, host } = new URL(player.url)
    const socket = connect(Number(port), '127.0.0.1')
    stack.defer(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.pause()
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    // As much as the kernel takes for a socket, then nothing more.
    for (let before = -1, still = 0; still < 200; before = given) {
      still = before === given && given > 0 ? still + 1 : 0
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(given < 32_000_000, `${given} bytes were taken`)
  })
})

describe('ending to play', () => {
  it('ends what is under way, and frees the port', async () => {
    const source = new Source()
    source.missingFrom = 100
    const player = await serve(source)
    const answer = await ask(player.url)
    const broken = assert.rejects(buffer(answer))
    await player[Symbol.asyncDispose]()
    await broken
    assert.equal(source.over, 1)
    const again = await serve(new Source(), Number(new URL(player.url).port))
    await again[Symbol.asyncDispose]()
  })
})

/** `%` alone stays as it is. */
const decodeSafely = (path: string): string => {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
