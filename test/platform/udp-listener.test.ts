import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { listenUdp, type UdpListener, type UdpSend, type UdpSender } from '../../src/platform/udp-listener.ts'

interface Heard {
  readonly packet: Buffer
  readonly from: UdpSender
  readonly send: UdpSend
}

describe('A UDP port', () => {
  let stack: AsyncDisposableStack
  let listener: UdpListener
  const heard: Heard[] = []
  let hear: (heard: Heard) => void
  const errors: unknown[] = []

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    heard.length = errors.length = 0
    hear = (one) => heard.push(one)
    listener = stack.use(
      await listenUdp((packet, from, send) => {
        hear({ packet, from, send })
      }, options()),
    )
  })
  afterEach(() => stack.disposeAsync())

  const options = (): Parameters<typeof listenUdp>[1] => ({
    host: '127.0.0.1',
    port: 0,
    receiveQueueBytes: 65_536,
    sendQueueBytesMax: 65_536,
    onError: (error) => errors.push(error),
  })

  /** One datagram there, and the first that comes back. */
  async function exchange(text: string): Promise<string> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.send(text, listener.port, '127.0.0.1')
    const [packet] = (await once(socket, 'message')) as [Buffer]
    socket.close()
    return packet.toString()
  }

  const echo = ({ packet, from, send }: Heard): void => {
    assert.equal(send(packet, packet.length, from), true, 'the kernel took it at once')
  }

  it('sends back what a handler answers, to whom asked', async () => {
    hear = echo
    assert.equal(await exchange('hello'), 'hello')
    assert.equal(listener.unsent, 0)
  })

  it('goes on when a handler throws, and tells of it', async () => {
    hear = (one) => {
      echo(one)
      throw new Error('a bug')
    }
    await exchange('one')
    assert.equal(await exchange('two'), 'two')
    assert.deepEqual(errors.map(String), ['Error: a bug', 'Error: a bug'])
  })

  it('counts what could not be sent, and throws nothing', async () => {
    hear = (one) => {
      heard.push(one)
      echo(one)
    }
    await exchange('hello')
    const [first] = heard
    assert.ok(first !== undefined)
    const bytes = Buffer.alloc(100)
    assert.equal(first.send(bytes, 100, { ...first.from, port: 0 }), true)
    assert.equal(listener.unsent, 1)
    first.send(Buffer.alloc(65_536), 65_536, first.from) // longer than any datagram
    first.send(bytes, 100, { ...first.from, address: 'fe80::1' }) // not of this family
    await new Promise(setImmediate)
    assert.equal(listener.unsent, 3)
    await listener[Symbol.asyncDispose]()
    assert.equal(first.send(bytes, 100, first.from), true)
    assert.equal(listener.unsent, 4)
    assert.deepEqual(errors, [])
  })

  it('says when the address is not one of this machine, or the port is taken', async () => {
    const listen = (over: { host?: string; port?: number }): Promise<UdpListener> =>
      listenUdp(() => undefined, { ...options(), ...over })
    await assert.rejects(listen({ host: '192.0.2.1' }), { code: 'bad-usage', message: /192\.0\.2\.1/ })
    await assert.rejects(listen({ port: listener.port }), { code: 'conflict', message: /--udp-port/ })
  })

  it('may be named by a host name', async () => {
    const named = stack.use(await listenUdp(() => undefined, { ...options(), host: 'localhost' }))
    assert.equal(named.families.length, 1)
  })
})
