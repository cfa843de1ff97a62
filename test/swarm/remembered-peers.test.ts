import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Endpoint, ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash } from '../../src/core/ids.ts'
import { addMillis, epochMillis, hours, millis } from '../../src/core/units.ts'
import { decodeRemembered, encodeRemembered } from '../../src/swarm/remembered-peers.ts'
import { SwarmMemory } from '../../src/swarm/swarm-memory.ts'
import { limits } from '../../src/wire/limits.ts'
import { swarmKey } from '../../src/wire/swarm-key.ts'
import { hostileInputs } from '../support/corpus.ts'

const HASH = infoHash('0123456789abcdef'.repeat(2) + '01234567')
const NOW = epochMillis(1_790_000_000_000)
const at = (n: number): Endpoint => ({ host: ipAddress(`10.0.${n >> 8}.${n & 255}`), port: 6_881 })
const key = (n: number) => swarmKey(n.toString(16).padStart(64, '0'))

describe('the file of remembered peers', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(65_000), fc.nat(limits.rememberedFor)), { maxLength: 50 }),
        fc.array(fc.nat(), { maxLength: 2 }),
        (rows, keys) => {
          const content = {
            peers: rows.map(([n, age]) => ({ endpoint: at(n), seenAt: epochMillis(NOW - age) })),
            keys: keys.map(key),
          }
          assert.deepEqual(decodeRemembered(encodeRemembered(HASH, content), HASH, NOW), content)
        },
      ),
    )
  })

  it('leaves out peers that were last seen a week ago', () => {
    const peers = [
      { endpoint: at(1), seenAt: epochMillis(NOW - limits.rememberedFor - 1) },
      { endpoint: at(2), seenAt: epochMillis(NOW - limits.rememberedFor) },
    ]
    const { peers: left } = decodeRemembered(encodeRemembered(HASH, { peers, keys: [] }), HASH, NOW)
    assert.deepEqual(
      left.map(({ endpoint }) => endpoint),
      [at(2)],
    )
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('remembered-peers'))
    it(`${mustBeRead ? 'is read' : 'is refused'}: ${name}`, () => {
      const read = (): unknown => decodeRemembered(bytes, HASH, NOW)
      if (mustBeRead) read()
      else assert.throws(read, ShoalError)
    })

  it('is refused, never misread, when it is noise', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (noise) => {
          assert.throws(() => decodeRemembered(noise, HASH, NOW), ShoalError)
        },
      ),
    )
  })
})

describe('the memory of a torrent', () => {
  it('keeps the 50 peers that worked last', () => {
    const memory = new SwarmMemory(millis(0))
    for (let n = 0; n < 80; n++) memory.worked(at(n), NOW)
    memory.worked(at(30), NOW)
    assert.equal(memory.size, limits.rememberedPeersMax)
    assert.deepEqual(memory.endpoints.at(-1), at(30))
    assert.deepEqual(memory.endpoints[0], at(31))
  })

  it('writes its file when something is new, not each time that a peer works again', () => {
    const memory = new SwarmMemory(millis(0))
    memory.worked(at(1), NOW)
    assert.ok(memory.isDirty)
    memory.isDirty = false
    memory.worked(at(1), addMillis(NOW, hours(0.5)))
    assert.ok(!memory.isDirty)
    memory.worked(at(1), addMillis(NOW, hours(2)))
    assert.ok(memory.isDirty)
  })

  it('puts what this run has learned before what an earlier one left', () => {
    const memory = new SwarmMemory(millis(0))
    memory.worked(at(1), NOW)
    assert.ok(memory.learn(key(1)))
    memory.recall({
      peers: [at(2), at(1)].map((endpoint) => ({ endpoint, seenAt: NOW })),
      keys: [key(2), key(3)],
    })
    assert.deepEqual(memory.endpoints, [at(2), at(1)])
    assert.deepEqual(memory.keys, [key(1), key(2)])
  })

  it('holds the key of today and that of before', () => {
    const memory = new SwarmMemory(millis(0))
    assert.deepEqual(
      [1, 1, 2, 2, 3].map((n) => memory.learn(key(n))),
      [true, false, true, false, true],
    )
    assert.deepEqual(memory.keys, [key(3), key(2)])
  })
})
