/** What every {@link Network} promises the engine. */
import assert from 'node:assert/strict'
import { type Endpoint, ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import type { Connection, Network, NetworkListener } from '../../src/swarm/network.ts'

export interface NetworkUnderTest {
  readonly network: Network
  /** Lets things happen until `isTrue`. */
  readonly until: (isTrue: () => boolean) => Promise<void>
}

const HOST = ipAddress('127.0.0.1')
const never = new AbortController().signal

/** Collects what a connection does. */
class Witness {
  readonly chunks: Uint8Array[] = []
  drains = 0
  closes = 0

  constructor(connection: Connection) {
    connection.setHandler({
      onData: (bytes) => this.chunks.push(new Uint8Array(bytes)),
      onDrain: () => this.drains++,
      onClose: () => this.closes++,
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

interface Pair extends AsyncDisposable {
  readonly ours: Connection
  readonly theirs: Connection
  readonly at: Endpoint
}

async function connect({ network, until }: NetworkUnderTest): Promise<Pair> {
  const incoming: Connection[] = []
  const listener = await network.listen({ host: HOST, port: 0 }, (c) => incoming.push(c))
  const at = { host: HOST, port: listener.port }
  const dialling = network.dial(at, undefined, never)
  const [, ours] = await Promise.all([until(() => incoming.length > 0), dialling])
  const [theirs] = incoming
  assert.ok(theirs)
  return {
    ours,
    theirs,
    at,
    async [Symbol.asyncDispose]() {
      ours.destroy()
      theirs.destroy()
      await listener[Symbol.asyncDispose]()
    },
  }
}

export function describeNetwork(name: string, make: () => NetworkUnderTest): void {
  describe(name, () => {
    it('brings bytes across in order, whatever pieces they are cut into', async () => {
      const under = make()
      await using pair = await connect(under)
      const witness = new Witness(pair.theirs)
      new Witness(pair.ours)
      const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 0xff))
      for (let at = 0; at < sent.length; at += 7_001) pair.ours.write(sent.subarray(at, at + 7_001))
      await under.until(() => witness.bytes.length >= sent.length)
      assert.ok(witness.bytes.equals(sent))
    })

    it('says who is on the other side and who dialled', async () => {
      const under = make()
      await using pair = await connect(under)
      assert.deepEqual(pair.ours.remote, pair.at)
      assert.equal(pair.ours.isIncoming, false)
      assert.equal(pair.theirs.isIncoming, true)
      assert.equal(pair.theirs.remote.host, HOST)
    })

    it('tells a fast writer to wait, and when to go on', async () => {
      const under = make()
      await using pair = await connect(under)
      const reader = new Witness(pair.theirs)
      const writer = new Witness(pair.ours)
      pair.theirs.pause()
      const block = new Uint8Array(64 * 1024)
      let written = 0
      while (pair.ours.write(block)) written++
      assert.ok(pair.ours.queuedBytes > 0)
      assert.ok(written < 1_000, 'it never said stop')
      pair.theirs.resume()
      await under.until(() => writer.drains > 0)
      assert.equal(pair.ours.queuedBytes, 0)
      await under.until(() => reader.bytes.length === (written + 1) * block.length)
    })

    it('reports the end once to each side, however often it is ended', async () => {
      const under = make()
      await using pair = await connect(under)
      const ours = new Witness(pair.ours)
      const theirs = new Witness(pair.theirs)
      pair.ours.destroy()
      pair.ours.destroy()
      await under.until(() => ours.closes > 0 && theirs.closes > 0)
      pair.theirs.destroy()
      pair.ours.write(new Uint8Array(1))
      assert.deepEqual([ours.closes, theirs.closes], [1, 1])
    })

    it('refuses a port that is taken, naming the conflict', async () => {
      const under = make()
      const listener: NetworkListener = await under.network.listen({ host: HOST, port: 0 }, () => undefined)
      await assert.rejects(
        under.network.listen({ host: HOST, port: listener.port }, () => undefined),
        (error) => error instanceof ShoalError && error.code === 'conflict',
      )
      await listener[Symbol.asyncDispose]()
    })

    it('gives up on who does not answer, and on a dial that is aborted', async () => {
      const under = make()
      const listener = await under.network.listen({ host: HOST, port: 0 }, () => undefined)
      const at = { host: HOST, port: listener.port }
      await listener[Symbol.asyncDispose]()
      let refused: unknown
      under.network.dial(at, undefined, never).catch((error: unknown) => (refused = error))
      await under.until(() => refused !== undefined)
      assert.ok(refused instanceof ShoalError && refused.code === 'unavailable')
      const aborted = under.network.dial(at, undefined, AbortSignal.abort())
      await assert.rejects(aborted, (error) => error instanceof ShoalError && error.code === 'unavailable')
    })
  })
}
