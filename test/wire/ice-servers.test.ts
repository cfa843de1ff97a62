import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { iceServer, iceServers, zIceServers } from '../../src/wire/ice-servers.ts'

describe('STUN and TURN servers of an operator', () => {
  const allowed = [
    ['stun:stun.example.com', { urls: 'stun:stun.example.com' }],
    ['stun:10.0.0.1:3478', { urls: 'stun:10.0.0.1:3478' }],
    ['stuns:[fd00::1]:5349', { urls: 'stuns:[fd00::1]:5349' }],
    ['turn:u:p@10.0.0.1', { urls: 'turn:10.0.0.1', username: 'u', credential: 'p' }],
    [
      'turns:u%3Av:p%40%2C@turn.example.com:443?transport=tcp',
      { urls: 'turns:turn.example.com:443?transport=tcp', username: 'u:v', credential: 'p@,' },
    ],
  ] as const
  for (const [text, server] of allowed)
    it(`may be ${text}`, () => {
      assert.deepEqual(iceServer(text), server)
      assert.deepEqual(zIceServers.parse([server]), [server])
    })

  const refused = [
    'stun.example.com',
    'http://stun.example.com',
    'stun:',
    'stun://stun.example.com',
    'stun:u:secret@stun.example.com',
    'stun:a?transport=tcp',
    'turn:turn.example.com',
    'turn:u:@turn.example.com',
    'turn::secret@turn.example.com',
    'turn:u:secret%@turn.example.com',
    'turn:u:secret%0a@turn.example.com',
    'turn:u:secret@10.0.0.1:0',
    'turn:u:secret@10.0.0.1:65536',
    'turn:u:secret@10.0.0.999',
    'turn:u:secret@[10.0.0.1]',
    'turn:u:secret@-a',
    'turn:u:secret@a?transport=sctp',
    'stun:a\r\nx',
    `stun:${'a'.repeat(600)}`,
  ]
  for (const text of refused)
    it(`are refused, and nothing of it repeated, when one is ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.throws(
        () => iceServer(text),
        (error) =>
          error instanceof ShoalError && error.code === 'bad-usage' && !error.message.includes('secret'),
      )
    })

  it('are a list, and none is none', () => {
    assert.deepEqual(iceServers(''), [])
    assert.deepEqual(iceServers('stun:a, turn:u:p@b'), [
      { urls: 'stun:a' },
      { urls: 'turn:b', username: 'u', credential: 'p' },
    ])
    assert.throws(() => iceServers('stun:a,stun:b,stun:c,stun:d,stun:e'), { code: 'bad-usage' })
    assert.throws(() => iceServers('stun:a,'), { code: 'bad-usage' })
  })

  it('are refused or read, whatever is written', () => {
    const texts = fc.string({ maxLength: 40 }).map((rest) => `turn:u:p@${rest}`)
    fc.assert(
      fc.property(fc.oneof(fc.string(), texts), (text) => {
        try {
          const { urls } = iceServer(text)
          assert.match(urls, /^(?:stun|turn)s?:[[\]A-Za-z0-9.:-]+(?:\?transport=(?:udp|tcp))?$/)
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
    )
  })
})
