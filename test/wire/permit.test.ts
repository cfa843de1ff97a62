import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deviceId, infoHash } from '../../src/core/ids.ts'
import { addMillis, epochMillis, hours, minutes } from '../../src/core/units.ts'
import { newGrantId, signGrant, verifyGrant } from '../../src/wire/grant.ts'
import { limits } from '../../src/wire/limits.ts'
import { peekPermit, type PermitClaims, signPermit, verifyPermit } from '../../src/wire/permit.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutatedText } from '../support/mutations.ts'

const NOW = epochMillis(1_790_000_000_000)
const REFUSED = { name: 'ShoalError', code: 'not-granted', message: 'permit refused' }
const CLAIMS: PermitClaims = {
  infoHash: infoHash('0123456789abcdef0123456789abcdef01234567'),
  id: newGrantId(NOW),
  expiresAt: addMillis(NOW, hours(24)),
  device: deviceId('abcdefghijklmnopqrstuw'),
}

describe('a permit', () => {
  let key: SigningKey
  let token: string
  const keys = () => new Map([[key.kid, key.publicKey]])

  before(async () => {
    key = (await generateSigningKey('grant')).key
    token = await signPermit(CLAIMS, key)
  })

  it('verifies, and says what it was signed for', async () => {
    assert.deepEqual(await verifyPermit(token, keys(), NOW), { kid: key.kid, claims: CLAIMS })
    assert.ok(token.length <= limits.permitCharsMax, `${token.length} characters`)
  })

  it('round-trips for every release, device and expiry within its cap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 0, max: 30 * 24 * 3_600 }),
        async (hash, device, lifeSeconds) => {
          const claims = {
            infoHash: infoHash(Buffer.from(hash).toString('hex')),
            id: newGrantId(NOW),
            expiresAt: addMillis(NOW, hours(lifeSeconds / 3_600)),
            device: deviceId(Buffer.from(device).toString('base64url')),
          }
          const read = peekPermit(await signPermit(claims, key)).claims
          assert.deepEqual(read, { ...claims, expiresAt: Math.floor(claims.expiresAt / 1_000) * 1_000 })
        },
      ),
    )
  })

  it('is good for 90 s of a slow clock, and then no more', async () => {
    await verifyPermit(token, keys(), addMillis(CLAIMS.expiresAt, limits.clockLeeway))
    const late = addMillis(addMillis(CLAIMS.expiresAt, limits.clockLeeway), minutes(1))
    await assert.rejects(verifyPermit(token, keys(), late), REFUSED)
  })

  it('is no grant, and a grant is no permit', async () => {
    await assert.rejects(verifyGrant(token, keys(), NOW), { message: 'grant refused' })
    const { device: _, ...grant } = CLAIMS
    await assert.rejects(verifyPermit(await signGrant(grant, key), keys(), NOW), REFUSED)
  })

  it('is refused by another key, by a key for another purpose, and beyond its cap', async () => {
    const other = (await generateSigningKey('grant')).key
    await assert.rejects(verifyPermit(await signPermit(CLAIMS, other), keys(), NOW), REFUSED)
    const forged = new Map([[key.kid, other.publicKey]])
    await assert.rejects(verifyPermit(token, forged, NOW), REFUSED)
    const link = (await generateSigningKey('link')).key
    await assert.rejects(signPermit(CLAIMS, link), TypeError)
    const long = { ...CLAIMS, expiresAt: addMillis(NOW, hours(31 * 24)) }
    await assert.rejects(signPermit(long, key), { code: 'over-limit' })
  })

  it('is refused however it is altered', async () => {
    let altered = 0
    await fc.assert(
      fc.asyncProperty(mutatedText(fc.constant(token)), async (text) => {
        if (text === token) return
        altered++
        await assert.rejects(verifyPermit(text, keys(), NOW), REFUSED)
      }),
    )
    assert.ok(altered > 10)
  })

  for (const { name, text, mustBeRead } of hostileInputs('permit'))
    it(`of the corpus, ${name}, is ${mustBeRead ? 'read but not believed' : 'refused by its shape'}`, async () => {
      if (mustBeRead) peekPermit(text)
      else assert.throws(() => peekPermit(text), REFUSED)
      await assert.rejects(verifyPermit(text, keys(), NOW), REFUSED)
    })
})
