/** Parsers of what is signed. What is in them is changed and signed again, so that it gets past the signature. */
import assert from 'node:assert/strict'
import { deviceId, infoHash } from '../../../../src/core/ids.ts'
import { addMillis, epochMillis, hours } from '../../../../src/core/units.ts'
import { openControlAnswer } from '../../../../src/wire/control-answer.ts'
import { newGrantId, peekGrant, signGrant, verifyGrant } from '../../../../src/wire/grant.ts'
import { openJwks, signKeyDocument } from '../../../../src/wire/key-document.ts'
import { verifyMagnet, signMagnet } from '../../../../src/wire/magnet-signature.ts'
import { formatMagnet, parseMagnet } from '../../../../src/wire/magnet.ts'
import { peekPermit, signPermit, verifyPermit } from '../../../../src/wire/permit.ts'
import { generateSigningKey } from '../../../../src/wire/signing-key.ts'
import { bytesOfJson, bytesOfText, passes, type Target, textOf, utf8Of } from '../target.ts'

const NOW = epochMillis(1_790_000_000_000)
const HASH = infoHash('0123456789abcdef0123456789abcdef01234567')

const DEVICE = deviceId('abcdefghijklmnopqrstuw')

const CONTROL = {
  portal: 'https://media.example.com',
  seq: 12,
  snapshot: true,
  at: '2026-07-01T10:00:00Z',
}

function controlEvents(key: unknown): readonly unknown[] {
  const until = CONTROL.at
  const id = newGrantId(NOW)
  const peerId = '2d5348303130302d303132333435363738396162'
  return [
    { kind: 'grant-key', key },
    { kind: 'grant-key-retired', kid: 'abcd' },
    { kind: 'grant-revoked', id, until },
    { kind: 'device-revoked', device: DEVICE, until },
    { kind: 'refuse-before', scope: 'release', value: HASH, before: until },
    { kind: 'recalled', infohash: HASH },
    { kind: 'grant-peers', id, peersMax: 8, until },
    { kind: 'serves', peerId, role: 'origin', host: '10.0.0.1', port: 16_881, infohashes: [HASH] },
    { kind: 'serves-not', peerId },
    { kind: 'wanted', infohash: HASH },
    { kind: 'epoch', epoch: 3 },
  ]
}

const payloadOf = (token = ''): string => Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()

/** Keys are made anew in each run: what is read must not depend on them. */
export async function signedTargets(): Promise<readonly Target[]> {
  const [{ key: portal }, { key: former }, { key: grant }, { key: link }] = await Promise.all([
    generateSigningKey('portal'),
    generateSigningKey('portal'),
    generateSigningKey('grant'),
    generateSigningKey('link'),
  ])
  const doc = {
    portal: CONTROL.portal,
    hosts: ['tracker.example.com:443'],
    keys: [portal.publicKey, grant.publicKey, link.publicKey],
    issuedAt: CONTROL.at,
  }
  const claims = { infoHash: HASH, id: newGrantId(NOW), expiresAt: addMillis(NOW, hours(1)) }
  const grants = [
    await signGrant(claims, grant),
    await signGrant({ ...claims, expiresAt: epochMillis(NOW - hours(1)) }, grant),
    // By the key that counts, of claims that nobody should have signed.
    await grant.sign(JSON.stringify({ ih: 'AAAA', jti: claims.id, exp: 'x' })),
    await grant.sign(
      JSON.stringify({ ih: Buffer.from(HASH, 'hex').toString('base64url'), jti: claims.id, exp: 9e9 }),
    ),
  ]
  const grantKeys = new Map([[grant.kid, grant.publicKey]])
  const permits = [
    await signPermit({ ...claims, device: DEVICE }, grant),
    await signPermit({ ...claims, device: DEVICE, expiresAt: epochMillis(NOW - hours(1)) }, grant),
    await grant.sign(JSON.stringify({ ih: 'AAAA', jti: claims.id, exp: 'x', device: 7 }), 'shoal-permit'),
    await grant.sign(JSON.stringify({ ...JSON.parse(payloadOf(grants[0])), device: DEVICE }), 'shoal-permit'),
  ]
  const magnet = parseMagnet(
    `magnet:?xt=urn:btih:${HASH}&dn=Fire%20safety&xl=7&tr=http%3A%2F%2Ft.example%2Fannounce`,
  )
  return [
    {
      name: 'grant',
      files: ['wire/grant.ts', 'wire/strict-token.ts'],
      beside: ['newGrantId', 'signGrant'],
      dialect: 'jws',
      corpus: 'grant',
      words: ['alg', 'kid', 'ih', 'jti', 'exp', 'EdDSA', 'none', 'HS256', grant.kid, claims.id],
      seeds: grants.map(bytesOfText),
      frame: (bytes) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(textOf(bytes)),
      read: async (bytes) => {
        const text = textOf(bytes)
        const isOurs = grants.includes(text)
        try {
          peekGrant(text)
        } finally {
          const accepted = await verifyGrant(text, grantKeys, NOW).then(
            () => true,
            (error: unknown) => {
              if (error instanceof Error && error.name === 'ShoalError') return false
              throw error
            },
          )
          assert.ok(!accepted || isOurs, `accepted ${text}`)
        }
      },
    },
    {
      name: 'permit',
      files: ['wire/permit.ts', 'wire/strict-token.ts'],
      beside: ['signPermit'],
      dialect: 'jws',
      corpus: 'permit',
      words: [
        'alg',
        'kid',
        'typ',
        'ih',
        'jti',
        'exp',
        'device',
        'EdDSA',
        'none',
        grant.kid,
        claims.id,
        DEVICE,
      ],
      seeds: [...permits, ...grants.slice(0, 1)].map(bytesOfText),
      frame: (bytes) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(textOf(bytes)),
      read: async (bytes) => {
        const text = textOf(bytes)
        try {
          peekPermit(text)
        } finally {
          const accepted = await verifyPermit(text, grantKeys, NOW).then(
            () => true,
            (error: unknown) => {
              if (error instanceof Error && error.name === 'ShoalError') return false
              throw error
            },
          )
          assert.ok(!accepted || permits.includes(text), `accepted ${text}`)
        }
      },
    },
    {
      name: 'signed magnet',
      files: ['wire/magnet-signature.ts'],
      beside: ['signMagnet', 'withNameThatFits', 'fits'],
      dialect: 'query',
      corpus: 'magnet',
      words: ['xt', 'dn', 'xl', 'tr', 'x.kid', 'x.sig', link.kid, grant.kid],
      seeds: [bytesOfText(formatMagnet(await signMagnet(magnet, link))), bytesOfText(formatMagnet(magnet))],
      frame: (bytes) => /^magnet:\?/i.test(textOf(bytes)),
      read: async (bytes) => {
        const read = parseMagnet(textOf(bytes))
        const isGood = await verifyMagnet(read, [link.publicKey, grant.publicKey])
        const { signature: _, ...rest } = read
        if (isGood) assert.deepEqual(rest, (({ signature: __, ...all }) => all)(magnet))
      },
    },
    {
      name: 'key document',
      files: ['wire/key-document.ts'],
      beside: ['signKeyDocument'],
      dialect: 'json',
      words: [
        'portal',
        'hosts',
        'keys',
        'issuedAt',
        'kty',
        'crv',
        'alg',
        'use',
        'kid',
        'x',
        'purpose',
        'grant',
        'link',
        'document',
        'countersigned',
        portal.kid,
      ],
      // `payload` is signed here and takes the place of `document`; an altered `document` stays as it is.
      seeds: [
        bytesOfJson({ payload: doc, outer: { keys: doc.keys } }),
        bytesOfJson({ payload: doc, outer: { keys: doc.keys, countersigned: true } }),
        bytesOfJson({
          payload: { ...doc, keys: [portal.publicKey, former.publicKey] },
          outer: { keys: doc.keys },
        }),
        bytesOfJson({ payload: { ...doc, keys: [...doc.keys, ...doc.keys] }, outer: { keys: doc.keys } }),
        bytesOfJson({ payload: doc, outer: await signKeyDocument(doc, portal, former) }),
      ],
      frame: (bytes) => passes(() => JSON.parse(utf8Of(bytes))),
      read: async (bytes) => {
        const json = jsonOf(bytes)
        const payload = json['payload'] === undefined ? '{' : JSON.stringify(json['payload'])
        const outer = { ...(json['outer'] as Record<string, unknown> | null) }
        outer['document'] ??= await portal.sign(payload, 'shoal-keys')
        if (outer['countersigned'] === true) outer['countersigned'] = await former.sign(payload, 'shoal-keys')
        await Promise.allSettled([openJwks(outer), openJwks(outer, former.publicKey)]).then(rethrowOdd)
      },
    },
    {
      name: 'control answer',
      files: ['wire/control-answer.ts'],
      beside: ['signControlAnswer'],
      dialect: 'json',
      words: [
        'kind',
        'key',
        'kid',
        'id',
        'until',
        'scope',
        'all',
        'value',
        'before',
        'infohash',
        'peersMax',
        'peerId',
        'role',
        'mirror',
        'host',
        'port',
        'infohashes',
        'epoch',
        'seq',
        'snapshot',
        'events',
        CONTROL.at,
      ],
      seeds: controlEvents(grant.publicKey).map((event) => bytesOfJson({ ...CONTROL, events: [event] })),
      frame: (bytes) => passes(() => JSON.parse(utf8Of(bytes))),
      read: async (bytes) => {
        await openControlAnswer(await portal.sign(utf8Of(bytes), 'shoal-control'), [
          portal.publicKey,
          link.publicKey,
        ])
      },
    },
  ]
}

function jsonOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(utf8Of(bytes))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Refusals are fine; whatever else was thrown is not. */
function rethrowOdd(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) {
    if (result.status === 'fulfilled') continue
    const reason: unknown = result.reason
    if (!(reason instanceof Error && reason.name === 'ShoalError')) throw reason
  }
}
