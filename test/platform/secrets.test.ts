import assert from 'node:assert/strict'
import { withoutSecrets } from '../../src/platform/secrets.ts'

const GRANT = `eyJhbGciOiJFZERTQSJ9.eyJpaCI6ImFhYWFhYWFh.c2lnbmF0dXJlLWFuZC1tb3Jl`
const TOKEN = `shoal_AbCdEfGhIjKlMnOpQrSt`
const encoded = (text: string, percent = '%'): string =>
  Array.from(Buffer.from(text), (byte) => `${percent}${byte.toString(16)}`).join('')

describe('Text without secrets', () => {
  for (const [name, secret] of Object.entries({ grant: GRANT, token: TOKEN }))
    for (const [how, spelt] of Object.entries({
      'as it stands': secret,
      'percent-encoded': encoded(secret),
      'encoded twice': encoded(secret, '%25'),
      'encoded in part': secret.replaceAll('_', '%5F').replaceAll('.', '%2e'),
    }))
      it(`holds no ${name} ${how}`, () => {
        assert.equal(withoutSecrets(`/a?g=${spelt}&port=1`), '/a?g=[redacted]&port=1')
      })

  it('holds nothing of two grants that run into each other', () => {
    assert.equal(withoutSecrets(`g=${GRANT}${GRANT} x`), 'g=[redacted] x')
  })

  it('is the same text when there is no secret in it', () => {
    for (const text of ['', '100 %', 'a%20b', '%', '%zz', 'shoal_short', 'eyJ.a.b', 'größe %C3%A9'])
      assert.equal(withoutSecrets(text), text)
  })
})
