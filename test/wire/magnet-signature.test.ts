import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { limits } from '../../src/wire/limits.ts'
import { formatMagnet, type Magnet, parseMagnet } from '../../src/wire/magnet.ts'
import { canonicalForm, signMagnet, verifyMagnet } from '../../src/wire/magnet-signature.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'

const GRANT = `${'a'.repeat(38)}.${'b'.repeat(104)}.${'c'.repeat(86)}`
const MAGNET: Magnet = {
  infoHash: infoHash('0123456789abcdef0123456789abcdef01234567'),
  displayName: 'Fire safety 2026 (été)',
  sizeBytes: 123_456,
  trackers: [`http://10.0.0.1:8080/announce?g=${GRANT}`],
  exactSources: [`http://10.0.0.1:8080/dl/${GRANT}.torrent`],
  webSeeds: [],
  selectOnly: [[1, 3]],
}

describe('a signed magnet', () => {
  let key: SigningKey
  let signed: Magnet
  before(async () => {
    key = (await generateSigningKey('link')).key
    signed = await signMagnet(MAGNET, key)
  })

  it('verifies after it was written and read', async () => {
    const text = formatMagnet(signed)
    assert.ok(text.length <= limits.magnetCharsMax)
    assert.ok(await verifyMagnet(parseMagnet(text), [key.publicKey]))
  })

  it('verifies in whatever order and spelling its parameters come', async () => {
    const [head = '', query = ''] = formatMagnet(signed).split('?')
    const respelt = query
      .split('&')
      .reverse()
      .join('&')
      .replace('dn=Fire%20safety', 'dn=Fire+s%61fety')
      .replace(/%3A/g, '%3a')
    assert.ok(await verifyMagnet(parseMagnet(`${head}?${respelt}&unknown=1`), [key.publicKey]))
  })

  it('does not verify when anything in it changed', async () => {
    const changes: readonly Partial<Magnet>[] = [
      { infoHash: infoHash('f'.repeat(40)) },
      { displayName: 'Fire safety 2027' },
      { sizeBytes: 1 },
      { trackers: [] },
      { trackers: [...MAGNET.trackers, 'http://evil.example/announce'] },
      { exactSources: MAGNET.trackers, trackers: MAGNET.exactSources },
      { webSeeds: ['http://evil.example/'] },
      { selectOnly: [[1, 4]] },
    ]
    for (const change of changes) assert.ok(!(await verifyMagnet({ ...signed, ...change }, [key.publicKey])))
  })

  it('does not verify with another key, another kid, or no signature', async () => {
    const other = (await generateSigningKey('link')).key
    const sig = signed.signature?.sig ?? ''
    assert.ok(!(await verifyMagnet(signed, [other.publicKey])))
    assert.ok(!(await verifyMagnet(signed, [{ ...other.publicKey, kid: key.kid }])))
    assert.ok(
      !(await verifyMagnet({ ...signed, signature: { kid: other.kid, sig } }, [
        key.publicKey,
        other.publicKey,
      ])),
    )
    assert.ok(
      !(await verifyMagnet({ ...signed, signature: { kid: key.kid, sig: 'A'.repeat(86) } }, [key.publicKey])),
    )
    assert.ok(!(await verifyMagnet(MAGNET, [key.publicKey])))
  })

  it('does not verify with a key that is kept for something else', async () => {
    assert.ok(!(await verifyMagnet(signed, [{ ...key.publicKey, purpose: 'grant' }])))
    const portal = (await generateSigningKey('portal')).key
    await assert.rejects(signMagnet(MAGNET, portal), TypeError)
  })

  it('is cut in its name, and only there, when it would be too long', async () => {
    for (const char of ['x', '日', '😀']) {
      const long = await signMagnet({ ...MAGNET, displayName: char.repeat(250 / char.length) }, key)
      const text = formatMagnet(long)
      assert.ok(text.length <= limits.magnetCharsMax)
      const read = parseMagnet(text)
      assert.ok(await verifyMagnet(read, [key.publicKey]))
      assert.ok((read.displayName ?? '').startsWith(char.repeat(5)))
      assert.deepEqual(read.trackers, MAGNET.trackers)
    }
  })

  it('is refused when no name at all would make it fit', async () => {
    const webSeeds = [`http://10.0.0.1/${'x'.repeat(600)}`]
    await assert.rejects(signMagnet({ ...MAGNET, webSeeds }, key), { code: 'over-limit' })
  })

  it('has a canonical form: sorted, escaped one way, without the signature', () => {
    assert.equal(
      canonicalForm({ ...MAGNET, trackers: ['http://b/', 'http://a/~x'], exactSources: [] }),
      'dn=Fire%20safety%202026%20%28%C3%A9t%C3%A9%29&so=1-3&tr=http%3A%2F%2Fa%2F~x&tr=http%3A%2F%2Fb%2F&xl=123456' +
        '&xt=urn%3Abtih%3A0123456789abcdef0123456789abcdef01234567',
    )
    assert.equal(canonicalForm(signed), canonicalForm(MAGNET))
  })
})
