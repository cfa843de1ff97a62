import assert from 'node:assert/strict'
import { openJwks, signKeyDocument } from '../../src/wire/key-document.ts'
import type { KeyDocument } from '../../src/wire/keys.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'

const documentOf = (...keys: readonly SigningKey[]): KeyDocument => ({
  portal: 'https://media.example.com',
  hosts: ['tracker.example.com:8080'],
  keys: keys.map((key) => key.publicKey),
  issuedAt: '2026-11-22T10:00:00Z',
})

describe('a key document', () => {
  let first: SigningKey
  let second: SigningKey
  let link: SigningKey
  before(async () => {
    first = (await generateSigningKey('portal')).key
    second = (await generateSigningKey('portal')).key
    link = (await generateSigningKey('link')).key
  })

  it('opens for one who meets the portal for the first time', async () => {
    const document = documentOf(first, link)
    const jwks: unknown = JSON.parse(JSON.stringify(await signKeyDocument(document, first)))
    assert.deepEqual(await openJwks(jwks), { document, portalKey: first.publicKey })
  })

  it('opens for one who pinned its key', async () => {
    const jwks = await signKeyDocument(documentOf(first), first)
    assert.deepEqual((await openJwks(jwks, first.publicKey)).portalKey, first.publicKey)
  })

  it('opens after a change of key that the pinned key signed, and names the new one', async () => {
    const jwks = await signKeyDocument(documentOf(second, link), second, first)
    assert.deepEqual((await openJwks(jwks, first.publicKey)).portalKey, second.publicKey)
    assert.deepEqual((await openJwks(jwks, second.publicKey)).portalKey, second.publicKey)
  })

  it('is refused after a change of key that the pinned key did not sign', async () => {
    const refused = { code: 'not-granted', message: /key trusted so far did not sign/ }
    await assert.rejects(
      openJwks(await signKeyDocument(documentOf(second), second), first.publicKey),
      refused,
    )
    const stranger = (await generateSigningKey('portal')).key
    const vouched = await signKeyDocument(documentOf(second), second, stranger)
    await assert.rejects(openJwks(vouched, first.publicKey), refused)
  })

  it('is refused when the pinned key signed another document', async () => {
    const ours = await signKeyDocument(documentOf(second), second)
    const other = await signKeyDocument({ ...documentOf(second), hosts: [] }, second, first)
    const mixed = { ...ours, countersigned: other.countersigned }
    await assert.rejects(openJwks(mixed, first.publicKey), { code: 'not-granted' })
  })

  it('is refused when its list of keys is not what was signed', async () => {
    const jwks = await signKeyDocument(documentOf(first), first)
    const stranger = (await generateSigningKey('portal')).key
    const swapped = { ...jwks, keys: [{ ...stranger.publicKey, kid: first.kid }] }
    await assert.rejects(openJwks(swapped), { code: 'not-granted' })
    const added = await openJwks({ ...jwks, keys: [...jwks.keys, stranger.publicKey] })
    assert.deepEqual(added.document.keys, [first.publicKey])
  })

  it('is refused when its signer is no portal key of its own', async () => {
    await assert.rejects(signKeyDocument(documentOf(first), second), TypeError)
    await assert.rejects(signKeyDocument(documentOf(first, link), link), TypeError)
    const payload = JSON.stringify(documentOf(first))
    const forged = { keys: [second.publicKey], document: await second.sign(payload, 'shoal-keys') }
    await assert.rejects(openJwks(forged), { code: 'not-granted' })
  })

  it('is refused when what is signed is no key document', async () => {
    for (const payload of ['', 'null', '{}', JSON.stringify({ ...documentOf(first), hosts: 'x' })]) {
      const jwks = { keys: [first.publicKey], document: await first.sign(payload, 'shoal-keys') }
      await assert.rejects(openJwks(jwks), { code: 'bad-input' }, payload)
    }
    const twice = JSON.stringify(documentOf(first, first))
    const jwks = { keys: [first.publicKey], document: await first.sign(twice, 'shoal-keys') }
    await assert.rejects(openJwks(jwks), { code: 'bad-input' })
  })

  it('is refused when it is no JWK Set at all', async () => {
    for (const jwks of [undefined, null, 'x', [], {}, { keys: [], document: 7 }])
      await assert.rejects(openJwks(jwks), { name: 'ShoalError' })
  })
})
