/** Our client against web servers that mean no good. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { lookup } from 'node:dns'
import { epochMillis, millis } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { WebSeedFailure } from '../../src/swarm/web-seed-failure.ts'
import { followed, retryAfterOf } from '../../src/swarm/web-seed-reply.ts'
import { fetchRange, judgedLookup } from '../../src/swarm/web-seed-request.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SIZE = 1_000
const FILE = Buffer.from(Array.from({ length: SIZE }, (_, i) => i % 251))

describe('a web seed that is asked for a part of a file', () => {
  let stack: AsyncDisposableStack
  let clock: ManualClock
  beforeEach(() => {
    stack = new AsyncDisposableStack()
    clock = new ManualClock()
  })
  afterEach(() => stack.disposeAsync())

  function served(server: Server): Promise<string> {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
    stack.defer(() => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>((resolve) => server.close(() => { resolve() })) // prettier-ignore
    })
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      })
    })
  }
  const http = (listener: RequestListener): Promise<string> => served(createServer(listener))
  /** Says this, whatever it is asked. */
  const says = (text: string): Promise<string> =>
    served(createTcpServer((socket) => socket.once('data', () => socket.write(text, 'latin1'))))

  interface Outcome {
    readonly bytes: Buffer
    readonly failure: WebSeedFailure | undefined
  }
  async function ask(
    origin: string,
    {
      path = '/file',
      others = [] as string[],
      take = undefined as ((n: number) => Promise<void>) | undefined,
    } = {},
  ): Promise<Outcome> {
    const chunks: Uint8Array[] = []
    const hosts = new Set([origin, ...others].map((url) => new URL(url).host))
    const failure = await fetchRange(
      {
        url: `${origin}${path}`,
        hosts,
        from: 100,
        end: 400,
        sizeBytes: SIZE,
        clock,
        localAddress: undefined,
        take(bytes) {
          chunks.push(bytes)
          return take?.(bytes.length)
        },
      },
      new AbortController().signal,
    ).then(
      () => undefined,
      (error: unknown) => error,
    )
    assert.ok(failure === undefined || failure instanceof WebSeedFailure, String(failure))
    assert.equal(clock.timers, 0, 'no timer is left')
    return { bytes: Buffer.concat(chunks), failure }
  }
  async function refusedForGood(origin: string, why: RegExp, ...rest: unknown[]): Promise<void> {
    const { failure } = await ask(origin, ...(rest as []))
    assert.match(failure?.message ?? 'none', why)
    assert.equal(failure?.isFinal, true)
    assert.doesNotMatch(failure.message, /secret/)
  }

  const answers: RequestListener = (req, res) => {
    const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? []
    const end = Number(last) + 1
    res.writeHead(206, { 'content-range': `bytes ${Number(from)}-${end - 1}/${SIZE}` })
    res.end(FILE.subarray(Number(from), end))
  }
  const HEAD = 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100-399/1000\r\n'

  it('gives exactly that part, told from no other request and kept on no connection', async () => {
    const seen: IncomingMessage[] = []
    const origin = await http((req, res) => {
      seen.push(req)
      answers(req, res)
    })
    const { bytes, failure } = await ask(origin, { path: '/w/secret/a%20b' })
    assert.equal(failure, undefined)
    assert.deepEqual(bytes, FILE.subarray(100, 400))
    const [req] = seen
    assert.deepEqual(
      [req?.url, req?.headers.range, req?.headers.connection],
      ['/w/secret/a%20b', 'bytes=100-399', 'close'],
    )
    assert.deepEqual([req?.headers.referer, req?.headers.cookie], [undefined, undefined])
  })

  it('that sends the whole file is refused before it does', async () => {
    let sent = 0
    const origin = await http((_req, res) => {
      res.on('close', () => (sent = res.writableFinished ? 1 : 0))
      res.writeHead(200).write(FILE)
    })
    await refusedForGood(origin, /whole file/)
    assert.equal(sent, 0)
  })

  it('that sends another part, of another file, or compressed, is refused', async () => {
    for (const [head, why] of [
      ['Content-Range: bytes 0-299/1000', /another part/],
      ['Content-Range: bytes 100-398/1000', /another part/],
      ['Content-Range: bytes 100-399/1001', /another part/],
      ['Content-Range: bytes */1000', /no part/],
      ['X: none', /no part/],
      ['Content-Range: bytes 100-399/1000\r\nContent-Encoding: gzip', /compresses/],
      ['Content-Range: bytes 100-399/1000\r\nContent-Length: 299', /another length/],
    ] as const)
      await refusedForGood(await says(`HTTP/1.1 206 x\r\n${head}\r\n\r\n`), why)
  })

  it('that sends more than was asked for is refused, and the rest not taken', async () => {
    const { bytes, failure } = await ask(await says(`${HEAD}\r\n${'x'.repeat(100_000)}`))
    assert.match(failure?.message ?? '', /more than was asked/)
    assert.equal(failure?.isFinal, true)
    assert.ok(bytes.length <= 300)
  })

  it('that breaks off may be asked again', async () => {
    const origin = await http((_req, res) => {
      res
        .writeHead(206, { 'content-range': 'bytes 100-399/1000', 'content-length': '300' })
        .write('x', () => res.destroy())
    })
    const short = await http((_req, res) => {
      res.writeHead(206, { 'content-range': 'bytes 100-399/1000' }).end('short')
    })
    for (const at of [origin, short]) {
      const { failure } = await ask(at)
      assert.match(failure?.message ?? '', /broke off/)
      assert.equal(failure?.isFinal, false)
    }
  })

  it('that would speak another protocol may be asked again', async () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
    const { failure } = await ask(await says(head))
    assert.match(failure?.message ?? '', /broke off/)
    assert.equal(failure?.isFinal, false)
  })

  it('that cannot be reached may be asked again', async () => {
    const { failure } = await ask('http://127.0.0.1:1')
    assert.equal(failure?.isFinal, false)
  })

  it('that redirects is followed within the hosts of its portal', async () => {
    const other = await http(answers)
    const origin = await http((req, res) => {
      const to = req.url === '/file' ? '/next' : `${other}/elsewhere`
      res.writeHead(302, { location: to }).end('nothing to read')
    })
    const { bytes, failure } = await ask(origin, { others: [other] })
    assert.equal(failure, undefined)
    assert.equal(bytes.length, 300)
    await refusedForGood(origin, /does not declare/)
  })

  it('that redirects in a circle is refused after three', async () => {
    let asked = 0
    const origin = await http((_req, res) => {
      asked++
      res.writeHead(307, { location: `/file?${asked}` }).end()
    })
    await refusedForGood(origin, /again and again/)
    assert.equal(asked, limits.webSeedRedirectsMax + 1)
  })

  it('that redirects to nowhere, or to where nothing is served, is refused', async () => {
    for (const [location, why] of [
      ['http://[', /nowhere/],
      ['', /nowhere/],
      ['http://169.254.169.254/latest/meta-data', /linkLocal/],
      ['http://[fe80::1]/', /linkLocal/],
      ['http://0.0.0.0/', /unspecified/],
      ['ftp://127.0.0.1/', /only http, https/],
      ['file:///etc/passwd', /only http, https/],
      ['http://user:secret@127.0.0.1/', /user name/],
      ['//evil.example/x', /does not declare/],
    ] as const)
      await refusedForGood(await says(`HTTP/1.1 302 x\r\nLocation: ${location}\r\n\r\n`), why)
  })

  it('that redirects from TLS goes to TLS', () => {
    const hosts = new Set(['p.example:443', 'p.example:80'])
    const from = new URL('https://p.example/w/g/x')
    assert.equal(followed(from, '/y', hosts).href, 'https://p.example/y')
    assert.throws(() => followed(from, 'http://p.example/y', hosts), /from TLS to none/)
    assert.equal(followed(new URL('http://p.example/'), 'https://p.example/y', hosts).protocol, 'https:')
  })

  it('that never ends its head is given up', async () => {
    const { failure } = await ask(await says(`HTTP/1.1 206 x\r\n${'X-Y: z\r\n'.repeat(10_000)}`))
    assert.match(failure?.message ?? '', /cannot be asked/)
    const asked = Promise.withResolvers<undefined>()
    const silent = await served(
      createTcpServer((socket) => socket.on('data', () => { asked.resolve(undefined) })), // prettier-ignore
    )
    const outcome = ask(silent)
    await asked.promise
    clock.advance(limits.webSeedHeadTimeout)
    assert.match((await outcome).failure?.message ?? '', /in time/)
  })

  it('that falls silent is given up, but not while we keep it waiting', async () => {
    const origin = await http((_req, res) => {
      res.writeHead(206, { 'content-range': 'bytes 100-399/1000' }).write('x')
    })
    const isWaiting = Promise.withResolvers<undefined>()
    const mayGoOn = Promise.withResolvers<undefined>()
    const outcome = ask(origin, {
      take: async () => {
        isWaiting.resolve(undefined)
        await mayGoOn.promise
      },
    })
    await isWaiting.promise
    clock.advance(limits.webSeedSilenceMax)
    mayGoOn.resolve(undefined)
    while (clock.timers === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.webSeedSilenceMax)
    const { failure, bytes } = await outcome
    assert.match(failure?.message ?? '', /too slow/)
    assert.deepEqual([failure?.isFinal, bytes.length], [false, 1])
  })

  it('that refuses is asked no more, or later, as it says, within bounds', async () => {
    for (const [status, retry, isFinal, retryIn] of [
      [403, undefined, true, undefined],
      [404, '5', true, 5_000],
      [410, undefined, true, undefined],
      [416, undefined, true, undefined],
      [429, undefined, true, undefined],
      [429, '7', false, 7_000],
      [500, undefined, false, undefined],
      [503, '60', false, 60_000],
      [503, '1000000000', false, 3_600_000],
      [503, '0', false, 1_000],
      [503, '-5', false, undefined],
      [503, 'soon', false, undefined],
      [503, '9'.repeat(5_000), false, undefined],
    ] as const) {
      const after = retry === undefined ? '' : `Retry-After: ${retry}\r\n`
      const { failure } = await ask(await says(`HTTP/1.1 ${status} x\r\n${after}Content-Length: 0\r\n\r\n`))
      assert.deepEqual([failure?.isFinal, failure?.retryIn], [isFinal, retryIn], `${status} ${retry ?? ''}`)
    }
    const now = epochMillis(Date.UTC(2026, 0, 1))
    assert.equal(retryAfterOf('Thu, 01 Jan 2026 00:01:00 GMT', now), 60_000)
    assert.equal(retryAfterOf('Thu, 01 Jan 2015 00:01:00 GMT', now), limits.webSeedRetryMin)
    assert.equal(retryAfterOf('Fri, 01 Jan 2100 00:00:00 GMT', now), limits.webSeedRetryMax)
  })

  it('whose name leads to where nobody serves anything is not asked', async () => {
    const resolveTo = (...addresses: string[]): typeof lookup =>
      ((_name: string, _options: object, done: (error: null, list: object[]) => void) => {
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        )
      }) as unknown as typeof lookup
    const resolved = (all: boolean, ...addresses: string[]): Promise<unknown> =>
      new Promise((resolve) => {
        judgedLookup(resolveTo(...addresses))('x.example', { all }, (error, address) => {
          resolve(error === null ? address : error.message)
        })
      })
    assert.match(String(await resolved(true, '169.254.169.254', 'fe80::1')), /no address/)
    assert.deepEqual(await resolved(true, '169.254.169.254', '10.0.0.1'), [
      { address: '10.0.0.1', family: 4 },
    ])
    assert.equal(await resolved(false, '0.0.0.0', '::1'), '::1')
  })

  it('is let go when the torrent is stopped', async () => {
    const aborter = new AbortController()
    const asked = Promise.withResolvers<undefined>()
    const origin = await http(() => { asked.resolve(undefined) }) // prettier-ignore
    const request = { url: origin, hosts: new Set<string>(), from: 0, end: 1, sizeBytes: 1, clock, localAddress: undefined, take: () => undefined } // prettier-ignore
    const outcome = fetchRange(request, aborter.signal)
    await asked.promise
    aborter.abort()
    await assert.rejects(outcome)
    clock.advance(millis(1))
    assert.equal(clock.timers, 0)
  })
})
