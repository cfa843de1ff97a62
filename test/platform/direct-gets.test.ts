import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { millis, seconds } from '../../src/core/units.ts'
import { listenHttp, type HttpListenOptions, type HttpListener } from '../../src/platform/http-listener.ts'

/** Answers `/direct...` from the socket, the rest by node:http; `/direct/later` when told to. */
class World implements AsyncDisposable {
  readonly listener: HttpListener
  readonly asked: string[] = []
  release: () => void = () => undefined
  readonly #sockets: Socket[] = []

  private constructor(listener: HttpListener) {
    this.listener = listener
  }

  static async open(options: Partial<HttpListenOptions> = {}): Promise<World> {
    const listener = await listenHttp(
      (req, res) => {
        let body = ''
        req.on('data', (part: Buffer) => (body += part.toString()))
        req.on('end', () => res.end(`http ${req.method ?? ''} ${req.url ?? ''} ${body}`))
      },
      { host: '127.0.0.1', port: 0, ...options },
    )
    const world = new World(listener)
    listener.setDirect(({ target }, from) => {
      if (!target.startsWith('/direct')) return undefined
      world.asked.push(target)
      if (target === '/direct/bug') throw new Error('inner detail')
      if (target !== '/direct/later') return `${target} for ${from ?? ''}`
      return new Promise((resolve) => {
        world.release = () => {
          resolve(target)
        }
      })
    })
    return world
  }

  connect(): Socket {
    const socket = connect(this.listener.port, '127.0.0.1')
    socket.on('error', () => undefined)
    this.#sockets.push(socket)
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await this.listener[Symbol.asyncDispose]()
  }
}

const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`

/** What comes until `last` has. */
async function until(socket: Socket, last: string): Promise<string> {
  let text = ''
  for await (const part of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += part.toString('latin1')
    if (text.includes(last)) break
  }
  return text
}

async function toEnd(socket: Socket): Promise<string> {
  let text = ''
  for await (const part of socket as AsyncIterable<Buffer>) text += part.toString('latin1')
  return text
}

describe('Plain GETs', () => {
  it('are answered from the socket, one after the other on one connection', async () => {
    await using world = await World.open()
    const socket = world.connect()
    for (const path of ['/direct/1', '/direct/2']) {
      socket.write(get(path))
      const answer = await until(socket, `${path} for 127.0.0.1`)
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 23\r\n\r\n/)
    }
  })

  it('are answered in order when several come at once, or each in pieces', async () => {
    await using world = await World.open()
    const socket = world.connect()
    socket.write(get('/direct/1') + get('/direct/later') + get('/direct/2') + get('/direct/3').slice(0, 12))
    await until(socket, '/direct/1 for')
    assert.deepEqual(world.asked, ['/direct/1', '/direct/later'])
    socket.write(get('/direct/3').slice(12))
    world.release()
    await until(socket, '/direct/3 for')
    assert.deepEqual(world.asked, ['/direct/1', '/direct/later', '/direct/2', '/direct/3'])
  })

  it('end the connection when they say so', async () => {
    await using world = await World.open()
    const socket = world.connect()
    socket.write(get('/direct/1', 'Connection: close\r\n') + get('/direct/2'))
    assert.match(await toEnd(socket), /Connection: close\r\n[^]*\/direct\/1 for 127\.0\.0\.1$/)
    assert.deepEqual(world.asked, ['/direct/1'])
  })

  it('are answered although the other side has ended its half', async () => {
    await using world = await World.open()
    const socket = connect({ port: world.listener.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end(get('/direct/later') + get('/direct/2'))
    const answer = toEnd(socket)
    while (world.asked.length === 0) await new Promise(setImmediate)
    world.release()
    assert.match(await answer, /\/direct\/later/)
  })

  it('give the connection to node:http with the first request of another kind, and all that follows', async () => {
    await using world = await World.open()
    const socket = world.connect()
    const post = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo'
    socket.write(get('/direct/1') + post)
    await until(socket, '/direct/1 for')
    socket.write(`dy${get('/direct/2')}`)
    const answer = await until(socket, 'http GET /direct/2')
    assert.match(answer, /http POST \/a body/)
    assert.deepEqual(world.asked, ['/direct/1'])
  })

  it('of other paths are node:http’s', async () => {
    await using world = await World.open()
    const answer = await fetch(`http://127.0.0.1:${world.listener.port}/page`)
    assert.equal(await answer.text(), 'http GET /page ')
  })

  it('answer 500 for a bug, without its text', async () => {
    const errors: unknown[] = []
    await using world = await World.open({ onError: (error) => errors.push(error) })
    const socket = world.connect()
    socket.write(get('/direct/bug'))
    const answer = await toEnd(socket)
    assert.match(answer, /^HTTP\/1\.1 500 /)
    assert.ok(!answer.includes('inner detail'))
    assert.match(String(errors[0]), /inner detail/)
  })

  it('are node:http’s to refuse when their head is too long', async () => {
    await using world = await World.open({ headerBytesMax: 1_024 })
    const socket = world.connect()
    socket.write(get('/direct/1', `Accept: ${'x'.repeat(2_000)}\r\n`).slice(0, -4))
    assert.match(await toEnd(socket), /^HTTP\/1\.1 431 /)
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['half a head', 'GET /direct'],
    ['an answer and half a head', get('/direct/1') + 'GET /d'],
  ] as const) {
    it(`do not hold a connection that sent ${what} beyond the time for a head`, async () => {
      await using world = await World.open({ headersTimeout: millis(50), keepAliveTimeout: seconds(600) })
      const socket = world.connect()
      socket.write(text)
      socket.resume()
      await once(socket, 'close')
    })
  }

  it('are not read while their answers are not taken', async () => {
    await using world = await World.open()
    const socket = world.connect()
    socket.pause()
    // answers of 45 MB: no kernel holds as much for one connection
    const many = get('/direct/1').repeat(10_000)
    for (let i = 0; i < 40; i++) socket.write(many)
    for (let quiet = 0, before = 0; quiet < 200; quiet++) {
      if (world.asked.length !== before) quiet = 0
      before = world.asked.length
      await new Promise(setImmediate)
    }
    const asked = world.asked.length
    assert.ok(asked > 0 && asked < 400_000, String(asked))
    socket.resume()
    while (world.asked.length === asked) await new Promise(setImmediate)
  })

  it('are finished when the port closes, and idle connections end at once', async () => {
    const world = await World.open({ closeTimeout: seconds(3_600) })
    const idle = world.connect()
    const busy = world.connect()
    idle.write(get('/direct/1'))
    await until(idle, '/direct/1 for')
    busy.write(get('/direct/later'))
    while (!world.asked.includes('/direct/later')) await new Promise(setImmediate)
    const closed = world.listener[Symbol.asyncDispose]()
    idle.resume()
    await once(idle, 'close')
    world.release()
    assert.match(await toEnd(busy), /Connection: close[^]*\/direct\/later$/)
    await closed
  })
})
