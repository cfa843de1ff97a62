import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { infoHash } from '../../src/core/ids.ts'
import {
  addMillis,
  type EpochMillis,
  epochMillis,
  hours,
  millis,
  minutes,
  seconds,
} from '../../src/core/units.ts'
import {
  type GrantClaims,
  issuedAtOf,
  newGrantId,
  peekGrant,
  signGrant,
  verifyGrant,
} from '../../src/wire/grant.ts'
import type { PublicKey } from '../../src/wire/keys.ts'
import { limits } from '../../src/wire/limits.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'
import { hostileInputs } from '../support/corpus.ts'
import { isLongRun, recordFigures } from '../support/figures.ts'
import { mutatedText } from '../support/mutations.ts'

const NOW = epochMillis(1_790_000_000_000)
const CONSTANT = { name: 'ShoalError', code: 'not-granted', message: 'grant refused' }
/** Promise 3 of the safety design: this many altered grants in every run, a million in the long one. */
const ALTERED_GRANTS = isLongRun ? 1_000_000 : 10_000

const claimsAt = (expiresAt: EpochMillis): GrantClaims => ({
  infoHash: infoHash('0123456789abcdef0123456789abcdef01234567'),
  id: newGrantId(NOW),
  expiresAt,
})

const keysOf = (...keys: readonly SigningKey[]): Map<string, PublicKey> =>
  new Map(keys.map((key) => [key.kid, key.publicKey]))

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

describe('a grant', () => {
  let key: SigningKey
  let token: string
  const claims = claimsAt(addMillis(NOW, hours(24)))

  before(async () => {
    key = (await generateSigningKey('grant')).key
    token = await signGrant(claims, key)
  })

  it('fits into the tracker URLs of stock clients', () => {
    assert.ok(token.length <= 230, `${token.length} characters`)
    assert.equal(limits.grantCharsMax, 230)
  })

  it('verifies, and says what it was signed for', async () => {
    assert.deepEqual(await verifyGrant(token, keysOf(key), NOW), claims)
    assert.deepEqual(peekGrant(token), { kid: key.kid, claims })
  })

  it('is a JWS with EdDSA and a kid, over ih, jti and exp', () => {
    const [header = '', payload = ''] = token
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString())
    assert.deepEqual(JSON.parse(header), { alg: 'EdDSA', kid: key.kid })
    assert.deepEqual(JSON.parse(payload), {
      ih: Buffer.from(claims.infoHash, 'hex').toString('base64url'),
      jti: claims.id,
      exp: claims.expiresAt / 1_000,
    })
  })

  it('round-trips for every infohash and expiry within its cap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.integer({ min: 0, max: limits.grantLifeMax / 1_000 }),
        async (hash, lifeSeconds) => {
          const wanted = {
            infoHash: infoHash(Buffer.from(hash).toString('hex')),
            id: newGrantId(NOW),
            expiresAt: addMillis(NOW, seconds(lifeSeconds)),
          }
          const signed = await signGrant(wanted, key)
          assert.ok(signed.length <= limits.grantCharsMax)
          assert.deepEqual(await verifyGrant(signed, keysOf(key), NOW), wanted)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is refused when expired, with the time once its signature is known to be good', async () => {
    const late = addMillis(claims.expiresAt, millis(limits.clockLeeway + 1))
    await assert.rejects(verifyGrant(token, keysOf(key), late), {
      code: 'not-granted',
      message: `grant expired at ${new Date(claims.expiresAt).toISOString()}, get a fresh link from the portal`,
    })
  })

  it('holds for as long as clocks may differ', async () => {
    const leeway = addMillis(claims.expiresAt, limits.clockLeeway)
    assert.deepEqual(await verifyGrant(token, keysOf(key), leeway), claims)
    const behind = epochMillis(NOW - minutes(10))
    assert.deepEqual(await verifyGrant(token, keysOf(key), behind), claims)
  })

  it('tells nothing about an expired one that somebody else signed, or that expired long ago', async () => {
    const stranger = (await generateSigningKey('grant')).key
    const forged = await signGrant(claims, { ...stranger, kid: key.kid })
    const late = addMillis(claims.expiresAt, hours(1))
    await assert.rejects(verifyGrant(forged, keysOf(key), late), CONSTANT)
    const muchLater = addMillis(addMillis(claims.expiresAt, limits.grantLifeMax), millis(1))
    await assert.rejects(verifyGrant(token, keysOf(key), muchLater), CONSTANT)
  })

  it('is refused under a foreign kid, and when a stranger claims ours', async () => {
    const stranger = (await generateSigningKey('grant')).key
    await assert.rejects(verifyGrant(await signGrant(claims, stranger), keysOf(key), NOW), CONSTANT)
    const renamed = new Map([[key.kid, { ...stranger.publicKey, kid: key.kid }]])
    await assert.rejects(verifyGrant(token, renamed, NOW), CONSTANT)
    await assert.rejects(verifyGrant(token, new Map(), NOW), CONSTANT)
  })

  it('is refused when a key of another purpose signed it', async () => {
    const link = (await generateSigningKey('link')).key
    await assert.rejects(signGrant(claims, link), TypeError)
    const asGrant = await link.sign(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    await assert.rejects(verifyGrant(asGrant, keysOf(link), NOW), CONSTANT)
  })

  it('is refused with another algorithm, signed with what everybody knows', async () => {
    const [, payload = ''] = token.split('.')
    const none = base64url(JSON.stringify({ alg: 'none', kid: key.kid }))
    const mac = base64url(JSON.stringify({ alg: 'HS256', kid: key.kid }))
    const publicBytes = Buffer.from(key.publicKey.x, 'base64url')
    const hs256 = createHmac('sha256', publicBytes).update(`${mac}.${payload}`).digest('base64url')
    for (const forged of [
      `${none}.${payload}.`,
      `${none}.${payload}.${token.split('.')[2] ?? ''}`,
      `${mac}.${payload}.${hs256}`,
    ])
      await assert.rejects(verifyGrant(forged, keysOf(key), NOW), CONSTANT)
  })

  it('is refused when it is spelt otherwise, though it decodes to the same', async () => {
    const [header = '', payload = '', signature = ''] = token.split('.')
    const lastOf = (text: string): string => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const index = alphabet.indexOf(text.at(-1) ?? '')
      return text.slice(0, -1) + (alphabet[index ^ 1] ?? '')
    }
    assert.deepEqual(Buffer.from(lastOf(signature), 'base64url'), Buffer.from(signature, 'base64url'))
    const spellings = [
      `${header}.${payload}.${lastOf(signature)}`,
      `${lastOf(header)}.${payload}.${signature}`,
      `${token}=`,
      `${token}==`,
      ` ${token}`,
      `${token}\n`,
    ]
    for (const spelling of spellings)
      await assert.rejects(verifyGrant(spelling, keysOf(key), NOW), CONSTANT, spelling)
  })

  it('may not outlive its cap, whoever signed it', async () => {
    const tooLong = claimsAt(addMillis(NOW, millis(limits.grantLifeMax + hours(1))))
    await assert.rejects(signGrant(tooLong, key), { code: 'over-limit' })
    const payload = JSON.stringify({
      ih: Buffer.from(tooLong.infoHash, 'hex').toString('base64url'),
      jti: tooLong.id,
      exp: tooLong.expiresAt / 1_000,
    })
    await assert.rejects(verifyGrant(await key.sign(payload), keysOf(key), NOW), CONSTANT)
  })

  it(`is refused in each of ${ALTERED_GRANTS} alterations`, async function () {
    this.timeout(0)
    const tokens = [token, await signGrant(claimsAt(addMillis(NOW, hours(1))), key)]
    const alterations = mutatedText(fc.constantFrom(...tokens)).filter((text) => !tokens.includes(text))
    const keys = keysOf(key)
    let refused = 0
    let reachedTheSignature = 0
    await fc.assert(
      fc.asyncProperty(alterations, async (text) => {
        const refusal: unknown = await verifyGrant(text, keys, NOW).then(
          () => 'accepted',
          (error: unknown) => error,
        )
        assert.ok(refusal instanceof Error, `accepted ${text}`)
        assert.equal(refusal.message, 'grant refused')
        refused++
        if (refusal.cause instanceof Error && /signature/.test(refusal.cause.message)) reachedTheSignature++
      }),
      { numRuns: ALTERED_GRANTS },
    )
    recordFigures('altered grants', { refused, reachedTheSignature }, 3)
    assert.ok(refused >= ALTERED_GRANTS, `only ${refused} alterations`)
    assert.ok(reachedTheSignature > 0, 'no alteration got as far as the signature')
  })

  it('has no other spelling that carries the same signature', async () => {
    const [header = '', payload = '', signature = ''] = token.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    for (let bit = 0; bit < 512; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      await assert.rejects(
        verifyGrant(`${header}.${payload}.${flipped.toString('base64url')}`, keysOf(key), NOW),
        CONSTANT,
      )
    }
  })
})

describe('the signature of a grant', () => {
  it('is refused with the group order added to its second half (RFC 8032, 5.1.7)', async () => {
    const { key } = await generateSigningKey('grant')
    const [header = '', payload = '', signature = ''] = (
      await signGrant(claimsAt(addMillis(NOW, hours(1))), key)
    ).split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order
    const other = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()
    const token = `${header}.${payload}.${Buffer.concat([bytes.subarray(0, 32), other]).toString('base64url')}`
    await assert.rejects(verifyGrant(token, keysOf(key), NOW), CONSTANT)
  })
})

describe('the shape of a grant', () => {
  for (const { name, text, mustBeRead } of hostileInputs('grant')) {
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, async () => {
      if (mustBeRead) assert.equal(peekGrant(text).kid, 'abcd')
      else assert.throws(() => peekGrant(text), CONSTANT)
      const { key } = await generateSigningKey('grant')
      await assert.rejects(
        verifyGrant(text, new Map([['abcd', { ...key.publicKey, kid: 'abcd' }]]), NOW),
        CONSTANT,
      )
    })
  }
})

describe('a grant id', () => {
  it('carries the second of its issue', () => {
    assert.equal(issuedAtOf(newGrantId(epochMillis(NOW + 999))), NOW)
  })

  it('is never the same twice', () => {
    assert.equal(new Set(Array.from({ length: 1_000 }, () => newGrantId(NOW))).size, 1_000)
  })
})
