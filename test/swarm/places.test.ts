import assert from 'node:assert/strict'
import { type Endpoint, ipAddress } from '../../src/core/address.ts'
import { MiB, minutes, seconds } from '../../src/core/units.ts'
import { encodeAnnounceReply } from '../../src/wire/announce.ts'
import { encodeExtensionHandshake, EXTENSION_HANDSHAKE_ID } from '../../src/wire/extension.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { makeTorrent, SimulatedSwarm, type MadeTorrent } from '../support/simulated-swarm.ts'

/** Served at once at other sites. */
const FAR = 16
const MOMENT = seconds(0.1)

interface Queue extends AsyncDisposable {
  readonly swarm: SimulatedSwarm
  /** In the order in which they came, each at a site of its own; all want what the seed has. */
  readonly puppets: readonly Puppet[]
  readonly served: () => number[]
}

async function queueOf(count: number): Promise<Queue> {
  const swarm = new SimulatedSwarm()
  const made = makeTorrent(1 * MiB)
  const seed = await swarm.peer('10.0.0.1')
  seed.add(made, { mode: 'seed' })
  const puppets: Puppet[] = []
  for (let n = 0; n < count; n++) {
    const id = (n + 1).toString(16).padStart(40, '0')
    const options = { infoHash: made.torrent.infoHash, id }
    const dialling = Puppet.dial(swarm.network, seed.endpoint, `10.0.${n + 1}.1`, options)
    await swarm.run(MOMENT)
    const puppet = await dialling
    puppet.say({ kind: 'interested' })
    await swarm.run(MOMENT)
    puppets.push(puppet)
  }
  return {
    swarm,
    puppets,
    served: () => puppets.flatMap((puppet, n) => (isServed(puppet) ? [n] : [])),
    [Symbol.asyncDispose]: () => swarm[Symbol.asyncDispose](),
  }
}

function isServed(puppet: Puppet): boolean {
  const last = puppet.kinds().findLast((kind) => kind === 'choke' || kind === 'unchoke')
  return !puppet.isClosed && last === 'unchoke'
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('a place with a seed', () => {
  it('goes at once to who has waited longest when the peer that had it hangs up', async () => {
    await using queue = await queueOf(FAR + 2)
    assert.deepEqual(queue.served(), upTo(FAR))
    queue.puppets[3]?.hangUp()
    await queue.swarm.run(MOMENT)
    assert.deepEqual(
      queue.served(),
      upTo(FAR + 1).filter((n) => n !== 3),
    )
  })

  it('goes on as soon when the peer that had it wants nothing more', async () => {
    await using queue = await queueOf(FAR + 2)
    queue.puppets[0]?.say({ kind: 'not-interested' })
    await queue.swarm.run(MOMENT)
    assert.deepEqual(queue.served(), upTo(FAR + 1).slice(1))
  })

  it('is not given by one that never had it', async () => {
    await using queue = await queueOf(FAR + 2)
    queue.puppets[FAR]?.hangUp()
    await queue.swarm.run(MOMENT)
    assert.deepEqual(queue.served(), upTo(FAR))
  })
})

describe('a place with a downloader, for a stock client at another site', () => {
  async function dial(swarm: SimulatedSwarm, to: Endpoint, host: string, made: MadeTorrent): Promise<Puppet> {
    const id = Buffer.from(host.padEnd(20, '-')).toString('hex')
    const dialling = Puppet.dial(swarm.network, to, host, {
      infoHash: made.torrent.infoHash,
      id,
      hasFast: true,
    })
    await swarm.run(MOMENT)
    const puppet = await dialling
    puppet.say({ kind: 'have-none' }, { kind: 'interested' })
    await swarm.run(MOMENT)
    return puppet
  }
  const sayToBeOurs = (puppet: Puppet, listenPort = 7_000): void => {
    const ids = new Map([
      ['sh_fetch', 23],
      ['sh_hello', 24],
    ])
    const payload = encodeExtensionHandshake({ ids, listenPort })
    puppet.say({ kind: 'extended', id: EXTENSION_HANDSHAKE_ID, payload })
  }
  const ORIGIN = { host: ipAddress('10.0.9.1'), port: 6_881 }
  const tracker = (): Promise<Uint8Array> => {
    const peers = [{ ...ORIGIN, flags: { isOrigin: true, isMirror: false, isOurs: true } }]
    const reply = { intervalMs: minutes(30), complete: 1, incomplete: 0, peers }
    return Promise.resolve(encodeAnnounceReply(reply, { compact: true, withFlags: true }))
  }

  it('is kept while an origin is here and one of ours is, or may be, at that site', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const downloader = await swarm.peer('10.0.0.1', { fetchAnnounce: tracker })
    downloader.add(made, { mode: 'download', announceUrls: () => [['http://tracker.test/announce']] })
    const stock = await dial(swarm, downloader.endpoint, '10.0.1.1', made)
    const elsewhere = await dial(swarm, downloader.endpoint, '10.0.2.1', made)
    const served = (): boolean[] => [stock, elsewhere].map(isServed)
    assert.deepEqual(served(), [false, false], 'who else is there is not known yet')
    await swarm.run(seconds(20))
    assert.deepEqual(served(), [true, true])
    const ours = await dial(swarm, downloader.endpoint, '10.0.1.2', made)
    sayToBeOurs(ours)
    await swarm.run(seconds(20))
    assert.deepEqual(served(), [true, true], 'ours may be stuck, and nobody else would help')
    const origin = await dial(swarm, downloader.endpoint, ORIGIN.host, made)
    sayToBeOurs(origin, ORIGIN.port)
    await swarm.run(seconds(20))
    assert.deepEqual(served(), [false, true])
    ours.hangUp()
    await swarm.run(seconds(20))
    assert.deepEqual(served(), [true, true])
    sayToBeOurs(await dial(swarm, downloader.endpoint, '10.0.1.3', made))
    await swarm.run(MOMENT)
    assert.deepEqual(served(), [false, true], 'at once')
  })

  it('is given at once by a seed', async () => {
    await using queue = await queueOf(1)
    assert.deepEqual(queue.served(), [0])
  })
})
