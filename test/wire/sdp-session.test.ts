import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { limits } from '../../src/wire/limits.ts'
import { formatSession, sessionOf } from '../../src/wire/sdp-session.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { hostileInputs } from '../support/corpus.ts'

const FINGERPRINT = Array<string>(32).fill('AB').join(':')
/** As Chromium writes it, its own address hidden behind a name. */
const CHROMIUM = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS',
  'm=application 55555 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 10.4.0.9',
  'a=candidate:2140703443 1 udp 2113937151 3fdb1d72-5ff7-4b38-b345-fa2ba5f7c3d1.local 55555 typ host generation 0 network-cost 999',
  'a=candidate:842163049 1 udp 1677729535 10.4.0.9 55555 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999',
  'a=candidate:842163050 1 tcp 1677729535 10.4.0.9 9 typ host tcptype active generation 0',
  'a=ice-ufrag:aB3+',
  'a=ice-pwd:qW/erTyuIopAsdFghJklZxc1',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  '',
].join('\r\n')

const read = (text: string): ReturnType<typeof sessionOf> => sessionOf(sdpOf(text))

describe('A session description for data channels', () => {
  it('is read to its values, without names that only a resolver could read', () => {
    assert.deepEqual(read(CHROMIUM), {
      mid: '0',
      ufrag: 'aB3+',
      password: 'qW/erTyuIopAsdFghJklZxc1',
      fingerprint: FINGERPRINT,
      setup: 'actpass',
      sctpPort: 5_000,
      messageBytesMax: 262_144,
      candidates: [{ type: 'srflx', priority: 1_677_729_535, host: '10.4.0.9', port: 55_555 }],
    })
  })

  it('is the same when it is written anew', () => {
    const session = read(CHROMIUM)
    assert.deepEqual(read(formatSession(session)), session)
  })

  it('gives native code no character that its maker chose freely', () => {
    const noisy = CHROMIUM.replace('a=msid-semantic: WMS', 'a=x:%n%n%s\na=tool:\u{1F4A5}')
    assert.equal(formatSession(read(noisy)), formatSession(read(CHROMIUM)))
  })

  it('has as many addresses as are tried, each once', () => {
    const line = (n: number): string => `a=candidate:1 1 udp 1 10.0.${n % 50}.1 5000 typ host\r\n`
    const many = CHROMIUM + Array.from({ length: 120 }, (_, n) => line(n)).join('')
    assert.equal(read(many).candidates.length, limits.sdpCandidatesMax)
  })

  it('leaves out addresses that nobody is to be sent to', () => {
    for (const at of [
      '169.254.169.254 5000',
      '224.0.0.1 5000',
      '0.0.0.0 5000',
      'fe80::1 5000',
      '10.0.0.1 22',
      '10.0.0.1 70000',
    ])
      assert.deepEqual(read(`${CHROMIUM}a=candidate:1 1 udp 1 ${at} typ host\r\n`).candidates.length, 1, at)
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('sdp-session'))
    it(`${mustBeRead ? 'is read, harmlessly,' : 'is refused'} when it is ${name}`, () => {
      const text = Buffer.from(bytes).toString('utf8')
      if (mustBeRead) assert.ok(formatSession(read(text)).length < 2_500)
      else assert.throws(() => read(text), ShoalError)
    })

  it('is refused or read, whatever is changed in it', () => {
    const lines = CHROMIUM.split('\r\n')
    const change = fc.tuple(fc.nat(lines.length - 1), fc.nat(60), fc.string({ maxLength: 12 }))
    let readable = 0
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = [...lines]
        for (const [at, from, by] of changes) {
          const line = changed[at] ?? ''
          changed[at] = line.slice(0, from) + by + line.slice(from + by.length)
        }
        try {
          const session = read(changed.join('\r\n'))
          readable++
          assert.deepEqual(read(formatSession(session)), session)
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
    )
    assert.ok(readable > 0)
  })
})
