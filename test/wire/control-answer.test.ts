import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { deviceId, grantId, infoHash, peerId } from '../../src/core/ids.ts'
import type { ControlAnswer, ControlEvent } from '../../src/wire/control.ts'
import { openControlAnswer, signControlAnswer } from '../../src/wire/control-answer.ts'
import { generateSigningKey, type SigningKey } from '../../src/wire/signing-key.ts'

const HASH = infoHash('ab'.repeat(20))
const PEER = peerId('cd'.repeat(20))
const AT = '2026-11-22T10:00:00Z'

describe('an answer of the control feed', () => {
  let portal: SigningKey
  let answer: ControlAnswer
  before(async () => {
    portal = (await generateSigningKey('portal')).key
    const grantKey = (await generateSigningKey('grant')).key.publicKey
    const id = grantId('abcdefghijklmnop')
    const events: Record<ControlEvent['kind'], ControlEvent> = {
      'grant-key': { kind: 'grant-key', key: grantKey },
      'grant-key-retired': { kind: 'grant-key-retired', kid: 'abcd' },
      'grant-revoked': { kind: 'grant-revoked', id, until: AT },
      'refuse-before': { kind: 'refuse-before', scope: 'release', value: HASH, before: AT },
      'device-revoked': { kind: 'device-revoked', device: deviceId('abcdefghijklmnopqrstuw'), until: AT },
      recalled: { kind: 'recalled', infohash: HASH },
      'grant-peers': { kind: 'grant-peers', id, peersMax: 50, until: AT },
      serves: {
        kind: 'serves',
        peerId: PEER,
        role: 'origin',
        host: ipAddress('10.0.0.1'),
        port: 16_881,
        infohashes: [HASH],
      },
      'serves-not': { kind: 'serves-not', peerId: PEER },
      wanted: { kind: 'wanted', infohash: HASH },
      epoch: { kind: 'epoch', epoch: 2 },
    }
    answer = { portal: 'http://10.0.0.1:8080', seq: 9, snapshot: true, at: AT, events: Object.values(events) }
  })

  it('opens to what was signed, every kind of event in it', async () => {
    const jws = await signControlAnswer(answer, portal)
    assert.deepEqual(await openControlAnswer(jws, [portal.publicKey]), answer)
  })

  it('is refused when no portal key that counts signed it', async () => {
    const jws = await signControlAnswer(answer, portal)
    const other = (await generateSigningKey('portal')).key
    await assert.rejects(openControlAnswer(jws, [other.publicKey]), { code: 'not-granted' })
    await assert.rejects(openControlAnswer(jws, [{ ...portal.publicKey, purpose: 'grant' }]), {
      code: 'not-granted',
    })
    const link = (await generateSigningKey('link')).key
    assert.throws(() => signControlAnswer(answer, link), TypeError)
  })

  it('of a newer portal is read without what this version does not know', async () => {
    const newer = { ...answer, events: [{ kind: 'of-the-future', what: 1 }, ...answer.events] }
    const jws = await portal.sign(JSON.stringify(newer), 'shoal-control')
    assert.deepEqual(await openControlAnswer(jws, [portal.publicKey]), answer)
  })

  it('is refused when the portal signed it as something else, or it cannot be read', async () => {
    const asKeys = await portal.sign(JSON.stringify(answer), 'shoal-keys')
    await assert.rejects(openControlAnswer(asKeys, [portal.publicKey]), { code: 'not-granted' })
    const odd = { ...answer, events: [{ kind: 'epoch', epoch: 'explode' }] }
    for (const payload of ['', '[]', JSON.stringify(odd)])
      await assert.rejects(
        openControlAnswer(await portal.sign(payload, 'shoal-control'), [portal.publicKey]),
        {
          code: 'bad-input',
        },
      )
  })
})
