import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { hours } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { EnrolledDevice, type EnrolledDeviceParts, PortalClient } from '../../src/portal-client/index.ts'
import type { Device } from '../../src/wire/device-api.ts'
import { readCertificate } from '../../src/wire/certified-device.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { openTestPortal, type TestPortal } from '../portal/test-portal.ts'

const DAY = hours(24)

describe('this machine as a device', () => {
  let portal: TestPortal
  let server: Server
  let dataDir: string
  let parts: EnrolledDeviceParts

  beforeEach(async () => {
    portal = await openTestPortal()
    server = createServer(portal.portal.handler)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    dataDir = join(portal.dataDir, 'laptop')
    const token = await portal.token('viewer', { user: 'vera' })
    parts = {
      client: new PortalClient({ baseUrl, token }),
      portalKey: portal.portal.portalKey,
      clock: portal.clock,
      log: silentLogger,
      dataDir,
      name: 'laptop',
    }
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await portal[Symbol.asyncDispose]()
  })

  async function devices(): Promise<Device[]> {
    const answer = await portal.api('get', '/devices', portal.adminToken).expect(200)
    return (answer.body as { items: Device[] }).items
  }

  it('enrols once, and keeps its key where only this user reads it', async () => {
    using first = await EnrolledDevice.open(parts)
    using again = await EnrolledDevice.open(parts)
    assert.deepEqual(again.identity, first.identity)
    const [only, ...others] = await devices()
    assert.deepEqual([only?.device, only?.name, only?.user, others.length], [first.id, 'laptop', 'vera', 0])
    const folder = join(dataDir, 'device', 'http_media.example.com')
    for (const name of await readdir(folder))
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  })

  it('renews its certificate at four fifths of its life, and goes on with the same key', async () => {
    using device = await EnrolledDevice.open(parts)
    const { certificate, key } = device.identity
    portal.clock.advance(hours(23 * 24))
    assert.equal(device.identity.certificate, certificate)
    portal.clock.advance(hours(2 * 24))
    while (device.identity.certificate === certificate) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(device.identity.key, key)
    const until = readCertificate(device.identity.certificate).validToDate.getTime()
    assert.ok(until > portal.clock.epoch() + 25 * DAY)
    using again = await EnrolledDevice.open(parts)
    assert.equal(again.identity.certificate, device.identity.certificate)
  })

  it('asks anew when what it has is nearly over, or is of another role', async () => {
    const first = await EnrolledDevice.open(parts)
    first[Symbol.dispose]()
    portal.clock.advance(hours(26 * 24))
    using second = await EnrolledDevice.open(parts)
    assert.equal(second.id, first.id)
    assert.notEqual(second.identity.certificate, first.identity.certificate)
    await assert.rejects(EnrolledDevice.open({ ...parts, isOrigin: true }), { code: 'unavailable' })
  })

  it('is refused once it was revoked', async () => {
    const device = await EnrolledDevice.open(parts)
    device[Symbol.dispose]()
    await portal.api('delete', `/devices/${device.id}`, portal.adminToken).expect(204)
    await assert.rejects(EnrolledDevice.open({ ...parts, isAnew: true }), {
      code: 'not-granted',
      message: /revoked/,
    })
  })

  it('believes no CA that the key of the portal did not sign for', async () => {
    const { key } = await generateSigningKey('portal')
    await assert.rejects(EnrolledDevice.open({ ...parts, portalKey: key.publicKey }), { code: 'not-granted' })
  })
})
