/** A grant that ends in mid-download: what is here stays, and the next grant goes on from it. */
import assert from 'node:assert/strict'
import { addMillis, hours, MiB, minutes, seconds } from '../../src/core/units.ts'
import { newGrantId, signGrant } from '../../src/wire/grant.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { LeaseTracker } from '../support/lease-tracker.ts'
import { MemoryStorage } from '../support/memory-storage.ts'
import { holdsAll, isComplete, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

const EXPIRED = 'grant expired at 2026-09-21T14:13:20.000Z, get a fresh link at https://media.example'

describe('A grant that ends in mid-download', () => {
  it('stops the download, tells why, and loses nothing: with the next one only what is missing is fetched', async () => {
    await using swarm = new SimulatedSwarm({ rateBps: 200_000 })
    const made = makeTorrent(4 * MiB)
    const { infoHash } = made.torrent
    const tracker = new LeaseTracker()
    const { fetch: fetchAnnounce } = tracker
    const origin = await swarm.peer('10.0.0.1', { fetchAnnounce })
    origin.add(made, { mode: 'seed', leaseUrl: () => 'http://tracker.test/lease?g=serving' })
    tracker.peers = [origin.endpoint]
    tracker.let('10.0.0.1')
    tracker.let('10.0.0.2')

    const { key } = await generateSigningKey('grant')
    const link = async (): Promise<string> => {
      const now = swarm.clock.epoch()
      const claims = { infoHash, id: newGrantId(now), expiresAt: addMillis(now, hours(1)) }
      return `http://tracker.test/announce?g=${await signGrant(claims, key)}`
    }
    const storage = new MemoryStorage()
    const first = await swarm.peer('10.0.0.2', { storage, fetchAnnounce })
    const old = await link()
    const handle = first.add(made, { mode: 'download', announceUrls: () => [[old]] })
    assert.ok(await swarm.until(() => handle.stats().haveBytes > 2 * MiB, minutes(2)))

    tracker.revoke('10.0.0.2')
    tracker.refusal = EXPIRED
    handle.announceNow()
    origin.engine.reconsiderPeers()
    assert.ok(await swarm.until(() => handle.peers().length === 0, minutes(1)))
    const kept = handle.stats().haveBytes
    assert.ok(kept > 2 * MiB && kept < 4 * MiB)
    assert.ok(first.events.some((event) => event.kind === 'announce-refused' && event.reason === EXPIRED))
    await swarm.run(minutes(2))
    assert.equal(handle.stats().haveBytes, kept)
    const stopping = first.engine[Symbol.asyncDispose]()
    await swarm.run(seconds(5))
    await stopping

    tracker.refusal = undefined
    tracker.let('10.0.0.2')
    const fresh = await link()
    const second = await swarm.peer('10.0.0.2', { storage, fetchAnnounce })
    const again = second.add(made, { mode: 'download', announceUrls: () => [[fresh]] })
    assert.ok(await swarm.until(() => isComplete(second), minutes(5)))
    assert.ok(holdsAll(second, made))
    assert.ok(again.stats().receivedBytes <= 4 * MiB - kept + 64 * 1_024, 'nothing was fetched twice')
  })

  it('goes on by itself when the grant was renewed in time', async () => {
    await using swarm = new SimulatedSwarm({ rateBps: 200_000 })
    const made = makeTorrent(2 * MiB)
    const tracker = new LeaseTracker()
    const { fetch: fetchAnnounce } = tracker
    const origin = await swarm.peer('10.0.0.1', { fetchAnnounce })
    origin.add(made, { mode: 'seed', leaseUrl: () => 'http://tracker.test/lease?g=serving' })
    tracker.peers = [origin.endpoint]
    tracker.let('10.0.0.2', seconds(3))
    const { key } = await generateSigningKey('grant')
    const now = swarm.clock.epoch()
    const claims = {
      infoHash: made.torrent.infoHash,
      id: newGrantId(now),
      expiresAt: addMillis(now, hours(1)),
    }
    const url = `http://tracker.test/announce?g=${await signGrant(claims, key)}`
    const get = await swarm.peer('10.0.0.2', { fetchAnnounce })
    get.add(made, { mode: 'download', announceUrls: () => [[url]] })
    assert.ok(await swarm.until(() => isComplete(get), minutes(2)))
    assert.ok(holdsAll(get, made))
  })
})
