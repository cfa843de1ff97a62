import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addMillis, epochMillis, hours } from '../../src/core/units.ts'
import { certifiedDevice, type DeviceIdentity, readCertificate } from '../../src/wire/certified-device.ts'
import {
  generateDeviceKey,
  readCertificateRequest,
  requestCertificate,
} from '../../src/wire/device-certificate.ts'
import { TestCa } from '../support/devices.ts'
import { mutatedText } from '../support/mutations.ts'

const NOW = epochMillis(1_790_000_000_000)
const REFUSED = { name: 'ShoalError', code: 'not-granted' }

describe('a device certificate', () => {
  let ca: TestCa
  let device: DeviceIdentity
  before(async () => {
    ca = await TestCa.make(NOW)
    device = await ca.device({ from: NOW, until: addMillis(NOW, hours(1)) })
  })
  const read = (identity: DeviceIdentity, now = NOW, root = ca.ca.certificate) =>
    certifiedDevice(readCertificate(identity.certificate), readCertificate(root), now)

  it('names its device, and says whether it is an origin', async () => {
    assert.deepEqual(read(device), {
      device: device.device,
      isOrigin: false,
      certifiedUntil: addMillis(NOW, hours(1)),
    })
    assert.equal(read(await ca.device({ isOrigin: true, from: NOW })).isOrigin, true)
  })

  it('counts while it lasts, and ninety seconds to either side', () => {
    read(device, addMillis(NOW, hours(1)))
    assert.throws(() => read(device, addMillis(NOW, hours(2))), REFUSED)
    assert.throws(() => read(device, epochMillis(NOW - hours(1))), REFUSED)
  })

  it('of another CA does not count, be that called the same', async () => {
    const other = await TestCa.make(NOW)
    assert.throws(() => read(device, NOW, other.ca.certificate), REFUSED)
    const foreign = await other.device({ from: NOW })
    assert.throws(() => read(foreign), REFUSED)
  })

  it('is not that of the CA itself', () => {
    const root = readCertificate(ca.ca.certificate)
    assert.throws(() => certifiedDevice(root, root, NOW), REFUSED)
  })

  it('that cannot be read is refused', () => {
    for (const text of ['', 'junk', device.certificate.slice(0, 300), 'x'.repeat(5_000)])
      assert.throws(() => readCertificate(text), { name: 'ShoalError' })
  })
})

describe('a request for a certificate', () => {
  let good: string
  before(async () => {
    good = await requestCertificate(await generateDeviceKey())
  })

  it('tells of the device what its key says', async () => {
    const key = await generateDeviceKey()
    const [one, two] = [await requestCertificate(key), await requestCertificate(key)]
    const device = (await readCertificateRequest(one)).device
    assert.equal((await readCertificateRequest(two)).device, device)
    assert.notEqual((await readCertificateRequest(good)).device, device)
  })

  it('is refused, with a ShoalError, however it is altered', async () => {
    const { device } = await readCertificateRequest(good)
    let refused = 0
    await fc.assert(
      fc.asyncProperty(mutatedText(fc.constant(good)), async (text) => {
        try {
          // White space and what stands around a PEM do not change what is in it.
          assert.equal((await readCertificateRequest(text)).device, device)
        } catch (error) {
          refused++
          assert.ok(error instanceof Error && error.name === 'ShoalError', String(error))
        }
      }),
    )
    assert.ok(refused > 10)
  })
})
