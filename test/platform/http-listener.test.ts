import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { ShoalError } from '../../src/core/errors.ts'
import { seconds } from '../../src/core/units.ts'
import { listenHttp } from '../../src/platform/http-listener.ts'

const here = { host: '127.0.0.1', port: 0 }

describe('an HTTP listener', () => {
  it('answers through its present handler', async () => {
    await using listener = await listenHttp((_req, res) => res.end('one'), here)
    const url = `http://127.0.0.1:${listener.port}/`
    assert.equal(await (await fetch(url)).text(), 'one')
    listener.setHandler((_req, res) => res.end('two'))
    assert.equal(await (await fetch(url)).text(), 'two')
  })

  it('says in one sentence which port is taken and what to do', async () => {
    await using first = await listenHttp((_req, res) => res.end(), here)
    await assert.rejects(
      listenHttp((_req, res) => res.end(), { host: '127.0.0.1', port: first.port }),
      (error) =>
        error instanceof ShoalError &&
        error.code === 'conflict' &&
        error.message.startsWith(`port ${first.port} is in use`) &&
        error.message.includes('--listen'),
    )
  })

  it('refuses an address that is not its own as wrong usage', async () => {
    await assert.rejects(
      listenHttp((_req, res) => res.end(), { host: '192.0.2.1', port: 0 }),
      (error) => error instanceof ShoalError && error.code === 'bad-usage',
    )
  })

  it('turns what a handler throws into a 500 that does not tell it, and goes on', async () => {
    const seen: unknown[] = []
    await using listener = await listenHttp(
      () => {
        throw new Error('inner detail')
      },
      { ...here, onError: (error) => void seen.push(error) },
    )
    const answer = await fetch(`http://127.0.0.1:${listener.port}/`)
    assert.equal(answer.status, 500)
    assert.equal(await answer.text(), 'internal error\n')
    assert.match(String(seen[0]), /inner detail/)
    listener.setHandler((_req, res) => res.end('well'))
    assert.equal(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text(), 'well')
  })

  it('refuses a head over its bound with 431', async () => {
    await using listener = await listenHttp((_req, res) => res.end(), { ...here, headerBytesMax: 1_024 })
    const answer = await fetch(`http://127.0.0.1:${listener.port}/`, { headers: { x: 'y'.repeat(2_000) } })
    assert.equal(answer.status, 431)
  })

  it('closes at once when its connections are idle, and frees the port', async () => {
    const listener = await listenHttp((_req, res) => res.end(), { ...here, closeTimeout: seconds(3_600) })
    await fetch(`http://127.0.0.1:${listener.port}/`).then((a) => a.text())
    await listener[Symbol.asyncDispose]()
    await listener[Symbol.asyncDispose]()
    await using again = await listenHttp((_req, res) => res.end(), { ...here, port: listener.port })
    assert.equal(again.port, listener.port)
  })

  /** What comes back to a request to become something else, until the other side closes. */
  async function upgrade(port: number, to: string): Promise<string> {
    const socket = connect({ ...here, port })
    let text = ''
    socket.on('data', (part: Buffer) => (text += part.toString()))
    socket.write(`GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: ${to}\r\n\r\n`)
    await once(socket, 'close')
    return text
  }

  it('hands a connection that asks for a WebSocket to its upgrade handler, and others to nobody', async () => {
    await using listener = await listenHttp((_req, res) => res.end('as any'), here)
    assert.match(await upgrade(listener.port, 'websocket'), /^HTTP\/1.1 200 .*as any$/s)
    listener.setUpgradeHandler((req, socket) => {
      socket.end(`taken ${req.url ?? ''}`)
      return true
    })
    assert.equal(await upgrade(listener.port, 'WebSocket'), 'taken /x')
    assert.match(await upgrade(listener.port, 'h2c'), /^HTTP\/1.1 200 .*as any$/s)
  })

  it('turns away a connection that its upgrade handler does not want, or throws at', async () => {
    const seen: unknown[] = []
    const options = { ...here, onError: (error: unknown) => void seen.push(error) }
    await using listener = await listenHttp((_req, res) => res.end(), options)
    listener.setUpgradeHandler(() => false)
    assert.match(await upgrade(listener.port, 'websocket'), /^HTTP\/1.1 404 /)
    listener.setUpgradeHandler(() => {
      throw new Error('inner detail')
    })
    assert.match(await upgrade(listener.port, 'websocket'), /^HTTP\/1.1 500 (?!.*detail)/s)
    assert.match(String(seen[0]), /inner detail/)
  })

  it('cuts what was upgraded and nobody closed when its time to close is over', async () => {
    const listener = await listenHttp((_req, res) => res.end(), { ...here, closeTimeout: seconds(0) })
    listener.setUpgradeHandler((_req, socket) => {
      socket.on('error', () => undefined)
      return socket.write('taken')
    })
    const text = upgrade(listener.port, 'websocket')
    await fetch(`http://127.0.0.1:${listener.port}/`)
    await listener[Symbol.asyncDispose]()
    assert.match(await text, /taken|^$/)
  })

  it('cuts answers that never end when its time to close is over', async () => {
    const listener = await listenHttp(
      (_req, res) => {
        res.write('begun')
      },
      { ...here, closeTimeout: seconds(0) },
    )
    const socket = connect(listener.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    const closed = once(socket, 'close')
    await listener[Symbol.asyncDispose]()
    await closed
  })
})
