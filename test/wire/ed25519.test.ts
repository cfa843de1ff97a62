/** Our check of grants' signatures beside `jose`, and the vectors of RFC 8032, 7.1. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { infoHash } from '../../src/core/ids.ts'
import { epochMillis } from '../../src/core/units.ts'
import { isSignedBy } from '../../src/wire/ed25519.ts'
import { newGrantId, signGrant } from '../../src/wire/grant.ts'
import type { PublicKey } from '../../src/wire/keys.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { verifyJws } from '../../src/wire/verify-jws.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const NOW = epochMillis(1_790_000_000_000)

/** Public key, message as latin1, signature. */
const VECTORS: readonly (readonly [string, string, string])[] = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    'r',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
]
/** Of the group: a signature with it added to its second half is good by the equation, and refused by RFC 8032, 5.1.7. */
const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n

const keyOf = (hex: string): PublicKey => ({
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'EdDSA',
  use: 'sig',
  kid: 'k',
  x: Buffer.from(hex, 'hex').toString('base64url'),
  purpose: 'grant',
})

describe('a signature over Ed25519', () => {
  it('is good where RFC 8032 says so, and for no other text or key', async () => {
    for (const [key, text, hex] of VECTORS) {
      const signature = Buffer.from(hex, 'hex')
      assert.equal(await isSignedBy(keyOf(key), text, signature), true)
      assert.equal(await isSignedBy(keyOf(key), `${text}x`, signature), false)
      assert.equal(await isSignedBy(keyOf(key), text, signature.subarray(1)), false)
      const other = VECTORS.find(([another]) => another !== key)?.[0] ?? assert.fail()
      assert.equal(await isSignedBy(keyOf(other), text, signature), false)
    }
  })

  it('has one spelling: its second half is below the order of the group', async () => {
    for (const [key, text, hex] of VECTORS) {
      const signature = Buffer.from(hex, 'hex')
      const scalar = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
      const more = Buffer.from((scalar + ORDER).toString(16).padStart(64, '0'), 'hex').reverse()
      const respelt = Buffer.concat([signature.subarray(0, 32), more])
      assert.equal(await isSignedBy(keyOf(key), text, respelt), false)
    }
  })

  it('of a grant is judged as `jose` judges it, whatever is changed', async () => {
    const [ours, theirs] = [(await generateSigningKey('grant')).key, (await generateSigningKey('grant')).key]
    const flip = fc.record({
      part: fc.constantFrom('text', 'signature', 'nothing'),
      at: fc.nat(),
      bit: fc.nat(7),
    })
    const hash = fc.stringMatching(/^[0-9a-f]{40}$/)
    await fc.assert(
      fc.asyncProperty(hash, flip, fc.boolean(), async (hex, { part, at, bit }, isOurs) => {
        const claims = { infoHash: infoHash(hex), id: newGrantId(NOW), expiresAt: NOW }
        const token = await signGrant(claims, isOurs ? ours : theirs)
        const dot = token.lastIndexOf('.')
        const text = Buffer.from(token.slice(0, dot), 'latin1')
        const signature = Buffer.from(token.slice(dot + 1), 'base64url')
        const changed = part === 'text' ? text : signature
        if (part !== 'nothing')
          changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ (1 << bit)
        const isGood = await isSignedBy(ours.publicKey, text.toString('latin1'), signature)
        const respelt = `${text.toString('latin1')}.${signature.toString('base64url')}`
        const josesWord = await verifyJws(respelt, [{ ...ours.publicKey, kid: kidOf(token) }]).then(
          () => true,
          () => false,
        )
        assert.equal(isGood, josesWord)
        assert.equal(isGood, part === 'nothing' && isOurs)
      }),
      { numRuns },
    )
  })

  it('by a key that is none is an error, and not a no', async () => {
    await assert.rejects(isSignedBy({ ...keyOf(VECTORS[0]?.[0] ?? ''), x: 'AAAA' }, '', new Uint8Array(64)))
  })
})

/** So that `jose` looks at the signature and not at the name of the key. */
function kidOf(token: string): string {
  const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  return String((header as { kid?: unknown }).kid)
}
