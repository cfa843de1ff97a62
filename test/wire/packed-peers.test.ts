import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress, isIPv6, type Endpoint } from '../../src/core/address.ts'
import { seconds } from '../../src/core/units.ts'
import { announceReplyText, encodeAnnounceReply, parseAnnounceReply } from '../../src/wire/announce.ts'
import { packedEndpoint } from '../../src/wire/compact-reply.ts'
import { limits } from '../../src/wire/limits.ts'
import { PACKED_BYTES, type PackedPeers } from '../../src/wire/packed-peers.ts'
import { UDP_PEERS_MAX, parseUdpReply, writeUdpAnnounceReply } from '../../src/wire/udp-tracker-reply.ts'
import { FUZZ_RUNS } from './fuzz.ts'

const endpoints = fc.array(
  fc
    .tuple(fc.boolean(), fc.nat(255), fc.integer({ min: 1, max: 65_535 }))
    .map(([is6, n, port]) => ({ host: ipAddress(is6 ? `fd00::${n.toString(16)}` : `10.0.0.${n}`), port })),
  { maxLength: 300 },
)

function packed(peers: readonly Endpoint[]): PackedPeers {
  const text = (is6: boolean): string =>
    peers
      .filter(({ host }) => isIPv6(host) === is6)
      .map(packedEndpoint)
      .join('')
  return { length: peers.length, v4: text(false), v6: text(true) }
}

/** IPv4 first, as compact replies have them. */
const byFamily = (peers: readonly Endpoint[]): Endpoint[] => [
  ...peers.filter(({ host }) => !isIPv6(host)),
  ...peers.filter(({ host }) => isIPv6(host)),
]

describe('Packed peers of a reply', () => {
  const counts = { intervalMs: seconds(60), complete: 1, incomplete: 2 }

  it('come behind the others over HTTP, with a warning and without', () => {
    fc.assert(
      fc.property(endpoints, endpoints, fc.boolean(), (plain, more, warns) => {
        const warning = warns ? { warning: 'beware' } : {}
        const reply = { ...counts, peers: plain, packed: packed(more), ...warning }
        const form = { compact: true, withFlags: false }
        const bytes = encodeAnnounceReply(reply, form)
        assert.equal(announceReplyText(reply, form), Buffer.from(bytes).toString('latin1'))
        const read = parseAnnounceReply(bytes)
        assert.ok(read.kind === 'reply')
        assert.deepEqual(read.reply.peers, byFamily([...plain, ...more]))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('come behind the others over UDP, those of its family, as many as there is room for', () => {
    const into = Buffer.alloc(limits.udpReplyBytesMax)
    fc.assert(
      fc.property(endpoints, endpoints, fc.constantFrom('v4', 'v6'), (plain, more, family) => {
        const length = writeUdpAnnounceReply(
          into,
          1,
          { ...counts, peers: plain, packed: packed(more) },
          family,
        )
        assert.equal((length - 20) % PACKED_BYTES[family], 0)
        const read = parseUdpReply(into.subarray(0, length), family)
        assert.ok(read.kind === 'announce')
        const own = [...plain, ...more].filter(({ host }) => isIPv6(host) === (family === 'v6'))
        assert.deepEqual(read.reply.peers, own.slice(0, UDP_PEERS_MAX[family]))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})
