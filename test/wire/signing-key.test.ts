import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { generateSigningKey, loadSigningKey, signJws, verifyJws } from '../../src/wire/signing-key.ts'

const REFUSED = { name: 'ShoalError', code: 'not-granted' }

describe('a signing key', () => {
  it('signs what its public half verifies, also after it was stored', async () => {
    const { key, privateJwk } = await generateSigningKey('portal')
    const stored: unknown = JSON.parse(JSON.stringify(privateJwk))
    const loaded = await loadSigningKey(stored)
    assert.deepEqual(loaded.publicKey, key.publicKey)
    assert.equal(await verifyJws(await signJws('héllo', loaded), [key.publicKey]), 'héllo')
  })

  it('has a short kid from its thumbprint, shorter for grants', async () => {
    const portal = await generateSigningKey('portal')
    const grant = await generateSigningKey('grant')
    assert.match(portal.key.kid, /^[A-Za-z0-9_-]{8}$/)
    assert.match(grant.key.kid, /^[A-Za-z0-9_-]{4}$/)
    assert.equal(grant.key.purpose, 'grant')
  })

  it('shows its private half nowhere', async () => {
    const { key, privateJwk } = await generateSigningKey('grant')
    assert.ok(!inspect(key, { depth: 10, showHidden: true }).includes(privateJwk.d))
    assert.ok(!JSON.stringify(key).includes(privateJwk.d))
    assert.ok(!('d' in key.publicKey))
  })

  it('is refused when it is no Ed25519 key, or two halves of different ones', async () => {
    const one = (await generateSigningKey('link')).privateJwk
    const other = (await generateSigningKey('link')).privateJwk
    for (const jwk of [
      null,
      {},
      'x',
      { ...one, crv: 'X25519' },
      { ...one, d: 'short' },
      { ...one, x: other.x },
    ])
      await assert.rejects(loadSigningKey(jwk), { name: 'ShoalError', code: 'bad-input' })
  })
})

describe('a JWS', () => {
  it('is refused when another key signed it, even one with the same kid', async () => {
    const one = (await generateSigningKey('portal')).key
    const other = (await generateSigningKey('portal')).key
    const jws = await one.sign('x')
    await assert.rejects(verifyJws(jws, [other.publicKey]), REFUSED)
    await assert.rejects(verifyJws(jws, [{ ...other.publicKey, kid: one.kid }]), REFUSED)
    await assert.rejects(verifyJws(jws, []), REFUSED)
  })

  it('is refused when it was signed as another kind of thing', async () => {
    const { key } = await generateSigningKey('portal')
    const jws = await key.sign('x', 'shoal-keys')
    assert.equal(await verifyJws(jws, [key.publicKey], 'shoal-keys'), 'x')
    await assert.rejects(verifyJws(jws, [key.publicKey], 'shoal-control'), REFUSED)
    await assert.rejects(verifyJws(jws, [key.publicKey]), REFUSED)
    await assert.rejects(verifyJws(await key.sign('x'), [key.publicKey], 'shoal-keys'), REFUSED)
  })

  it('is refused when it is no JWS at all', async () => {
    const { key } = await generateSigningKey('portal')
    for (const text of ['', 'x', '..', 'e30.e30.', 'a.b.c.d.e', '\u0000.\u0000.\u0000'])
      await assert.rejects(verifyJws(text, [key.publicKey]), REFUSED, text)
  })
})
