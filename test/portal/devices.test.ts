import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { hours, millis, minutes } from '../../src/core/units.ts'
import { type Device, type Enrolled, zEnrolled, zPermit } from '../../src/wire/device-api.ts'
import { certifiedDevice, readCertificate } from '../../src/wire/certified-device.ts'
import { generateDeviceKey, requestCertificate } from '../../src/wire/device-certificate.ts'
import { peekPermit, verifyPermit } from '../../src/wire/permit.ts'
import { openJwks } from '../../src/wire/key-document.ts'
import type { InfoHash } from '../../src/core/ids.ts'
import type { Release } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'
import { torrentNamed } from './torrents.ts'

async function enrol(portal: TestPortal, token: string, key?: string): Promise<Enrolled> {
  const asked = await requestCertificate(key ?? (await generateDeviceKey()))
  const answer = await portal
    .api('post', '/devices', token)
    .send({ request: asked, name: 'laptop' })
    .expect(201)
  return zEnrolled.parse(answer.body)
}

async function grantKeys(portal: TestPortal) {
  const answer = await portal.control(0)
  return new Map(answer.events.flatMap((e) => (e.kind === 'grant-key' ? [[e.key.kid, e.key] as const] : [])))
}

describe('Devices', () => {
  let portal: TestPortal
  let vera: string
  before(async () => {
    portal = await openTestPortal()
    vera = await portal.token('viewer', { user: 'vera', groups: ['ops'] })
  })
  after(() => portal[Symbol.asyncDispose]())

  it('are certified by the CA that the key document names, for thirty days', async () => {
    const { device, certificate, ca } = await enrol(portal, vera)
    const jwks: unknown = (await portal.get('/.well-known/jwks.json').expect(200)).body
    const { document } = await openJwks(jwks, portal.portal.portalKey)
    assert.equal(document.deviceCa, ca)
    const now = portal.clock.epoch()
    const read = certifiedDevice(readCertificate(certificate), readCertificate(ca), now)
    assert.equal(read.device, device.device)
    assert.equal(read.isOrigin, false)
    assert.equal(read.certifiedUntil, Math.floor((now + hours(30 * 24)) / 1_000) * 1_000)
  })

  it('of an origin are marked as such, and no others are', async () => {
    const { certificate, ca, device } = await enrol(portal, portal.originToken)
    const now = portal.clock.epoch()
    assert.equal(certifiedDevice(readCertificate(certificate), readCertificate(ca), now).isOrigin, true)
    assert.equal(device.isOrigin, true)
    const admins = await enrol(portal, portal.adminToken)
    assert.doesNotMatch(readCertificate(admins.certificate).subject, /OU/)
  })

  it('of an origin end with the token that got them, which may have an end', async () => {
    const draft = { name: 'short', role: 'origin', expiresInSeconds: 3_600 }
    const made = await portal.api('post', '/tokens', portal.adminToken).send(draft)
    const { certificate, ca } = await enrol(portal, (made.body as { token: string }).token)
    const now = portal.clock.epoch()
    const read = certifiedDevice(readCertificate(certificate), readCertificate(ca), now)
    assert.ok(read.certifiedUntil <= now + hours(1))
  })

  it('are not certified for a token that was taken back while the request was under way', async () => {
    const made = await portal.api('post', '/tokens', portal.adminToken).send({ name: 'gone', role: 'origin' })
    const { id, token } = made.body as { id: string; token: string }
    const body = JSON.stringify({
      request: await requestCertificate(await generateDeviceKey()),
      name: 'late',
    })
    const server = createServer(portal.portal.handler).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const asked = request({
      port,
      path: '/api/v1/devices',
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': body.length,
      },
    })
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>
    asked.write(body.slice(0, 10))
    await once(server, 'request')
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate) // the token is looked at by then
    await portal.api('delete', `/tokens/${id}`, portal.adminToken).expect(204)
    asked.end(body.slice(10))
    const [answer] = await answered
    answer.resume()
    server.close()
    assert.equal(answer.statusCode, 401)
  })

  it('get a fresh certificate for the same key, and nobody else gets one for it', async () => {
    const key = await generateDeviceKey()
    const first = await enrol(portal, vera, key)
    portal.clock.advance(minutes(10))
    const second = await enrol(portal, vera, key)
    assert.equal(second.device.device, first.device.device)
    assert.ok(second.device.certifiedUntil > first.device.certifiedUntil)
    const paula = await portal.token('publisher', { user: 'paula' })
    const request = await requestCertificate(key)
    await portal.api('post', '/devices', paula).send({ request, name: 'mine' }).expect(409)
    const origin = portal.api('post', '/devices', portal.originToken).send({ request, name: 'mine' })
    await origin.expect(409)
  })

  it('must prove that they hold the key they name', async () => {
    const good = await requestCertificate(await generateDeviceKey())
    const middle = Math.floor(good.length / 2)
    const letter = good[middle] === 'A' ? 'B' : 'A'
    const altered = good.slice(0, middle) + letter + good.slice(middle + 1)
    for (const request of [altered, '', 'junk', good.slice(0, 200), 'x'.repeat(5_000)])
      await portal.api('post', '/devices', vera).send({ request, name: 'x' }).expect(400)
  })

  it('revoked are told in the feed and in its snapshot, and never certified again', async () => {
    const key = await generateDeviceKey()
    const { device } = await enrol(portal, vera, key)
    const { seq } = await portal.control(0)
    await portal.api('delete', `/devices/${device.device}`, vera).expect(204)
    await portal.api('delete', `/devices/${device.device}`, vera).expect(204)
    const told = await portal.control(seq, vera)
    assert.deepEqual(told.events, [
      { kind: 'device-revoked', device: device.device, until: device.certifiedUntil },
    ])
    const nobodys = 'A'.repeat(device.device.length)
    await portal.api('delete', `/devices/${nobodys}`, portal.adminToken).expect(404)
    const all = await portal.control(0)
    assert.ok(all.events.some((e) => e.kind === 'device-revoked' && e.device === device.device))
    const request = await requestCertificate(key)
    await portal.api('post', '/devices', vera).send({ request, name: 'again' }).expect(403)
    const { items } = (await portal.api('get', '/devices', vera).expect(200)).body as { items: Device[] }
    assert.ok(items.every(({ user }) => user === 'vera'))
    assert.ok(items.find((one) => one.device === device.device)?.revokedAt)
    const actions = (await portal.audit()).filter(({ subject }) => subject === device.device)
    assert.deepEqual(actions.map(({ action }) => action).sort(), ['device-enrolled', 'device-revoked'])
  })

  it('enrolled by a token end with it when they are an origin', async () => {
    const token = await portal.api('post', '/tokens', portal.adminToken).send({ name: 'o2', role: 'origin' })
    const { id, token: text } = token.body as { id: string; token: string }
    const { device } = await enrol(portal, text)
    await portal.api('delete', `/tokens/${id}`, portal.adminToken).expect(204)
    const { items } = (await portal.api('get', '/devices', portal.adminToken).expect(200)).body as {
      items: Device[]
    }
    assert.ok(items.find((one) => one.device === device.device)?.revokedAt)
  })

  it('are enrolled by a code once, and get a token that ends with them', async () => {
    const made = await portal
      .api('post', '/devices/codes', portal.adminToken)
      .send({ user: 'vera' })
      .expect(201)
    const { code } = made.body as { code: string }
    assert.match(code, /^[A-Z2-9]{5}-[A-Z2-9]{5}$/)
    const redeem = async (text: string) =>
      portal
        .api('post', '/devices')
        .set('authorization', `Code ${text}`)
        .send({ request: await requestCertificate(await generateDeviceKey()), name: 'kiosk' })
    const { device, token } = zEnrolled.parse((await redeem(code.toLowerCase())).body)
    assert.equal(device.user, 'vera')
    assert.equal((await redeem(code)).status, 401)
    const me = await portal.api('get', '/me', token).expect(200)
    assert.deepEqual(me.body, { user: 'vera', role: 'viewer', groups: [] })
    await portal.api('delete', `/devices/${device.device}`, portal.adminToken).expect(204)
    await portal.api('get', '/me', token).expect(401)
    assert.ok((await portal.audit()).some(({ action }) => action === 'device-code-created'))
  })

  it('are not enrolled by a code that has expired, nor by one tried too often', async () => {
    const body = { user: 'vera', expiresInSeconds: 60 }
    const made = await portal.api('post', '/devices/codes', portal.adminToken).send(body).expect(201)
    const { code } = made.body as { code: string }
    portal.clock.advance(minutes(1))
    const redeem = (text: string) =>
      portal.api('post', '/devices').set('authorization', `Code ${text}`).send({ request: 'x', name: 'x' })
    await redeem(code).expect(401)
    for (let i = 0; i < 25; i++) await redeem(`AAAAA-AAAA${String(i % 8)}`)
    assert.equal((await redeem('AAAAA-AAAAA')).status, 429)
    await portal.api('get', '/devices', vera).expect(200)
  })

  it('keep their CA over a restart, and a portal that lost it does not start', async () => {
    const first = await openTestPortal()
    const token = await first.token('viewer')
    const { ca } = await enrol(first, token)
    await first.portal[Symbol.asyncDispose]()
    const again = await openTestPortal({ dataDir: first.dataDir })
    assert.equal((await enrol(again, token)).ca, ca)
    await again.portal[Symbol.asyncDispose]()
    await rm(join(first.dataDir, 'keys', 'device-ca.json'))
    await assert.rejects(openTestPortal({ dataDir: first.dataDir }), { code: 'unavailable' })
    await rm(first.dataDir, { recursive: true })
  })
})

describe('A release for our clients only', () => {
  let portal: TestPortal
  let vera: string
  let slug: string
  let hash: InfoHash
  before(async () => {
    portal = await openTestPortal()
    vera = await portal.token('viewer', { user: 'vera', groups: ['ops'] })
    slug = await portal.bundle(portal.adminToken, { title: 'Minutes', audience: ['ops'] })
    const made = await portal.postTorrent(portal.adminToken, slug, torrentNamed('minutes'), '?admit=ours')
    const release = made.body as Release
    assert.equal(release.admit, 'ours')
    hash = release.infohash
    await portal.complete([hash])
  })
  after(() => portal[Symbol.asyncDispose]())

  const link = (token: string, body: object) =>
    portal.api('post', `/bundles/${slug}/releases/latest/links`, token).send(body)

  it('has no link without a device, and one with a device of the account only', async () => {
    assert.match((await link(vera, {}).expect(409)).text, /own clients only/)
    await link(portal.adminToken, {}).expect(409)
    await link(portal.originToken, {}).expect(201)
    const admins = await enrol(portal, portal.adminToken)
    await link(vera, { device: admins.device.device }).expect(404)
    const own = await enrol(portal, vera)
    await link(vera, { device: own.device.device }).expect(201)
    await portal.api('delete', `/devices/${own.device.device}`, vera).expect(204)
    await link(vera, { device: own.device.device }).expect(403)
  })

  it('has no .torrent for a grant', async () => {
    const { device } = await enrol(portal, vera)
    const { torrentUrl } = (await link(vera, { device: device.device }).expect(201)).body as {
      torrentUrl: string
    }
    const answer = await portal.get(new URL(torrentUrl).pathname).expect(409)
    assert.match(answer.text, /own clients only/)
  })

  it('has permits, each for one device, as long as its grant and ended with it', async () => {
    const { device } = await enrol(portal, vera)
    const made = (await link(vera, { device: device.device, expiresInSeconds: 3_600 }).expect(201)).body as {
      grant: { id: string; expiresAt: string }
    }
    const wanted = { grant: made.grant.id, device: device.device }
    const answer = await portal.api('post', '/permits', vera).send(wanted).expect(201)
    const { permit, expiresAt } = zPermit.parse(answer.body)
    assert.equal(expiresAt, made.grant.expiresAt)
    const { claims } = await verifyPermit(permit, await grantKeys(portal), portal.clock.epoch())
    assert.deepEqual(
      { infoHash: claims.infoHash, id: claims.id, device: claims.device },
      { infoHash: hash, id: made.grant.id, device: device.device },
    )
    const nobodys = { ...wanted, device: 'A'.repeat(device.device.length) }
    await portal.api('post', '/permits', portal.adminToken).send(nobodys).expect(404)
    await portal.api('delete', `/grants/${made.grant.id}`, vera).expect(204)
    await portal.api('post', '/permits', vera).send(wanted).expect(409)
  })

  it('keeps the key of a permit for as long as the permit, whatever becomes of the grants of that key', async () => {
    const { device } = await enrol(portal, vera)
    const made = (await link(vera, { device: device.device }).expect(201)).body as { grant: { id: string } }
    await portal.portal.rotateGrantKeys()
    const wanted = { grant: made.grant.id, device: device.device }
    const { permit } = zPermit.parse((await portal.api('post', '/permits', vera).send(wanted)).body)
    const { kid } = peekPermit(permit)
    await portal.portal.rotateGrantKeys()
    for (let i = 0; i < 12; i++) {
      portal.clock.advance(minutes(10))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await portal.portal.rotateGrantKeys()
    portal.clock.advance(millis(1))
    assert.ok((await grantKeys(portal)).has(kid))
  })
})
