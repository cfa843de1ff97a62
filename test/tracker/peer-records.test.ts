import assert from 'node:assert/strict'
import { pick, seededRandom } from '../../src/core/random.ts'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import { EndpointIndex } from '../../src/tracker/endpoint-index.ts'
import { Interned } from '../../src/tracker/interned.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { PeerTable, wordsOf } from '../../src/tracker/peer-table.ts'
import { hostOf } from '../../src/tracker/record-peer.ts'
import { Stepwise, type Walk } from '../../src/tracker/stepwise.ts'
import { packedEndpoint } from '../../src/wire/compact-reply.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { assertFound, ip, SWARM, swarmPeer } from './support.ts'

describe('The record of a peer', () => {
  for (const host of ['10.0.0.1', '255.255.255.255', '1.2.3.4', '2001:db8::1', 'fe80::ffff', '::1']) {
    it(`gives ${host} back in full, and packed`, () => {
      const store = new MemorySwarmStore(
        { clock: new ManualClock(), random: seededRandom(1) },
        { peersMax: 2 },
      )
      const peer = swarmPeer(host, { port: 54_321, isSeed: true, isOurs: true, site: 'oslo' })
      store.put(SWARM, peer, minutes(1))
      assertFound(store.find(SWARM, peer), peer)
      const request = { self: { host: ip('10.9.9.9'), port: 1 }, site: 'oslo', wantsSeeds: true }
      const draw = store.draw(SWARM, { ...request, sameSiteMax: 1, otherSitesMax: 0, withPeerIds: true })
      const [drawn] = draw.sameSite
      assert.equal(drawn?.packed, packedEndpoint(peer))
      assert.equal(drawn.host, host)
      assert.equal(drawn.peerId, peer.peerId)
      assert.equal(hostOf(drawn.packed), host)
    })
  }

  it('is as good as new for the next peer', () => {
    const clock = new ManualClock()
    const store = new MemorySwarmStore({ clock, random: seededRandom(1) }, { peersMax: 1 })
    for (let i = 0; i < 5; i++) {
      const peer = swarmPeer(i % 2 === 0 ? `10.0.0.${i}` : `2001:db8::${i}`, {
        site: `site ${i}`,
        isSeed: i === 2,
      })
      assert.equal(store.put(SWARM, peer, seconds(1)), true)
      assert.equal(store.put(SWARM, swarmPeer('10.1.1.1'), seconds(1)), false)
      assertFound(store.find(SWARM, peer), peer)
      clock.advance(seconds(1))
      store.sweep()
      assert.equal(store.peerCount, 0)
    }
  })
})

describe('The index of endpoints', () => {
  it('finds what is in and nothing else over a long random life, nearly full', () => {
    const random = seededRandom(9)
    const table = new PeerTable(64)
    const index = new EndpointIndex(table, () => 0.25)
    const slots = new Map<string, number>()
    for (let step = 0; step < 20_000; step++) {
      const swarm = Math.floor(random() * 3)
      const host = ip(
        random() < 0.5 ? `10.0.0.${Math.floor(random() * 20)}` : `2001:db8::${Math.floor(random() * 20)}`,
      )
      const port = 1_000 + Math.floor(random() * 2)
      const key = `${swarm} ${host} ${port}`
      assert.equal(index.find(swarm, wordsOf(host, port)), slots.get(key))
      const known = slots.get(key)
      if (known !== undefined && random() < 0.5) {
        index.delete(known)
        table.free(known)
        slots.delete(key)
      } else if (known === undefined) {
        const slot = table.take(wordsOf(host, port))
        assert.equal(slot === undefined, slots.size === 64)
        if (slot === undefined) continue
        table.swarm[slot] = swarm
        index.add(slot)
        slots.set(key, slot)
      }
    }
    assert.ok(slots.size > 20)
  })
})

describe('Interned values', () => {
  it('keep their number while somebody holds them, and give it up with the last', () => {
    const interned = new Interned<string>((text) => text)
    const random = seededRandom(4)
    const held: [string, number][] = []
    for (let step = 0; step < 2_000; step++) {
      if (random() < 0.5) {
        const text = `text ${Math.floor(random() * 10)}`
        held.push([text, interned.hold(text)])
      } else {
        const one = pick(held, random)
        if (one === undefined) continue
        held.splice(held.indexOf(one), 1)
        interned.letGo(one[1])
      }
      for (const [text, number] of held) {
        assert.equal(interned.at(number), text)
        assert.equal(interned.numberOf(text), number)
      }
      assert.equal(interned.size, new Set(held.map(([text]) => text)).size)
    }
  })

  it('are nobody’s under a number that was given up', () => {
    const interned = new Interned<string>((text) => text)
    interned.letGo(interned.hold('a'))
    assert.throws(() => interned.at(0), TypeError)
    assert.equal(interned.numberOf('a'), undefined)
  })
})

describe('A walk in steps', () => {
  it('looks at everybody once, with a rest after each part, and begins again when told to', () => {
    const clock = new ManualClock()
    const parts: number[] = []
    const walk = new Stepwise(clock, ({ from, most }) => {
      parts.push(from)
      return from + most < 5_000 ? from + most : undefined
    })
    walk.start()
    assert.deepEqual(parts, [0])
    clock.advance(seconds(1))
    assert.deepEqual(parts, [0, 2_000, 4_000])
    walk.start()
    walk.start()
    walk.start()
    clock.advance(seconds(1))
    assert.deepEqual(parts.slice(3), [0, 2_000, 4_000, 0, 2_000, 4_000])
    walk.start()
    walk.cancel()
    clock.advance(seconds(1))
    assert.deepEqual(parts.slice(9), [0])
  })

  it('comes to those at the end, however often it is started meanwhile', () => {
    const clock = new ManualClock()
    const parts: number[] = []
    const walk = new Stepwise(clock, ({ from, most }) => {
      parts.push(from)
      return from + most < 9_000 ? from + most : undefined
    })
    for (let i = 0; i < 20; i++) {
      walk.start()
      clock.advance(millis(1))
    }
    assert.ok(parts.includes(8_000), parts.join())
  })

  it('does one walk after the other, and is left to come to its end', () => {
    const clock = new ManualClock()
    const parts: string[] = []
    const over = (name: string, size: number): Walk => ({ from, most }) => {
      parts.push(`${name}${from}`)
      return from + most < size ? from + most : undefined
    } // prettier-ignore
    const walk = new Stepwise(clock, over('a', 10), over('b', 3_000), over('c', 10), over('d', 6_000))
    walk.startIfIdle()
    assert.deepEqual(parts, ['a0', 'b0'])
    for (let i = 0; i < 10; i++) {
      clock.advance(millis(1))
      if (i < 2) walk.startIfIdle()
    }
    assert.deepEqual(parts, ['a0', 'b0', 'b2000', 'c0', 'd0', 'd2000', 'd4000'])
    walk.startIfIdle()
    assert.deepEqual(parts.slice(7), ['a0', 'b0'], 'it had come to its end')
    walk.cancel()
    walk.startIfIdle()
    assert.deepEqual(parts.slice(9), ['a0', 'b0'])
  })

  it('reaches all of a store', () => {
    const clock = new ManualClock()
    const store = new MemorySwarmStore({ clock, random: seededRandom(1) }, { peersMax: 30_000 })
    for (let i = 0; i < 12_000; i++) store.put(SWARM, swarmPeer(`10.0.${i >> 8}.${i & 255}`), minutes(1))
    new Stepwise(clock, (part) => store.removeWhere(() => true, part)).start()
    assert.equal(store.peerCount, 10_000)
    clock.advance(seconds(1))
    assert.equal(store.peerCount, 0)
    assert.equal(store.swarmCount, 0)
  })
})
