import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FETCH_SCHEMES, foreignUrl, hostPortOf, TRACKER_SCHEMES } from '../../src/wire/foreign-url.ts'
import { orRefused } from './fuzz.ts'

const fetchable = (text: string): string => foreignUrl(text, FETCH_SCHEMES, 'xs')

describe("a stranger's URL", () => {
  const allowed = [
    'http://10.0.0.1:8080/announce?g=a.b.c',
    'https://media.example.com/',
    'HTTP://localhost/x',
    'http://127.0.0.1/x',
    'http://[fd00::1]:80/x',
    'http://192.168.1.1',
  ]
  for (const text of allowed)
    it(`may be ${text}, kept as it was written`, () => {
      assert.equal(fetchable(text), text)
    })

  const refused: readonly (readonly [string, RegExp])[] = [
    ['http://169.254.169.254/', /linkLocal/],
    ['http://0xa9.0xfe.0xa9.0xfe/', /linkLocal/],
    ['http://[fe80::1]/', /linkLocal/],
    ['http://[::ffff:a9fe:a9fe]/', /linkLocal/],
    ['http://[64:ff9b::a9fe:a9fe]/', /rfc6052/],
    ['http://0.0.0.0/', /unspecified/],
    ['http://[::]/', /unspecified/],
    ['http://0/', /unspecified/],
    ['http://255.255.255.255/', /broadcast/],
    ['http://224.0.0.1/', /multicast/],
    ['http://a@10.0.0.1/', /user name/],
    ['http://:b@10.0.0.1/', /user name/],
    ['http://', /cannot be read/],
    ['http://a b/', /ASCII/],
    ['http://é.example/', /ASCII/],
    ['http://10.0.0.1/\n', /ASCII/],
    ['http://10.0.0.1:99999/', /cannot be read/],
    ['udp://10.0.0.1:80', /only http, https URLs/],
    ['file:///etc/passwd', /only http, https URLs/],
    ['//10.0.0.1/x', /only/],
    ['', /ASCII/],
    [`http://10.0.0.1/${'x'.repeat(1_024)}`, /longer than/],
  ]
  for (const [text, message] of refused)
    it(`is refused when it is ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.throws(() => fetchable(text), { code: 'bad-input', message })
    })

  it('may be udp or a WebSocket for a tracker, udp only with a port', () => {
    for (const text of ['udp://10.0.0.1:6969/announce', 'wss://t.example/announce', 'ws://t.example:1/x'])
      assert.equal(foreignUrl(text, TRACKER_SCHEMES, 'tr'), text)
    assert.throws(() => foreignUrl('udp://10.0.0.1/announce', TRACKER_SCHEMES, 'tr'), {
      message: /without a port/,
    })
    assert.throws(() => foreignUrl('udp://0xa9fea9fe:80', TRACKER_SCHEMES, 'tr'), { message: /linkLocal/ })
  })

  it('names one host and port, however it is written', () => {
    const same: readonly (readonly [string, string])[] = [
      ['http://Example.com/x', 'example.com:80'],
      ['http://example.com:80', 'example.com:80'],
      ['https://example.com?x', 'example.com:443'],
      ['wss://example.com:443/', 'example.com:443'],
      ['udp://EXAMPLE.com:080', 'example.com:80'],
      ['udp://example.com:6969/announce', 'example.com:6969'],
      ['http://0x7f.1:8080/', '127.0.0.1:8080'],
      ['http://[FD00:0::1]:81/', '[fd00::1]:81'],
    ]
    for (const [text, host] of same) assert.equal(hostPortOf(text), host, text)
    assert.throws(() => hostPortOf('file:///x'), { code: 'bad-input' })
  })

  it('is refused or kept, never anything else, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.ipV6().map((ip) => `http://[${ip}]/`),
    )
    fc.assert(
      fc.property(text, (candidate) => {
        const kept = orRefused(() => fetchable(candidate))
        if (kept === undefined) return
        assert.equal(kept, candidate)
        assert.match(hostPortOf(kept), /^(?:\[[0-9a-f:.]+\]|[^:]+):\d{1,5}$/)
      }),
      { numRuns: 500 },
    )
  })
})
