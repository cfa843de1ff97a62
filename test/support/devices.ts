/** A portal's CA and devices with its certificates, made in the test. */
import { hours, addMillis, type EpochMillis, epochMillis } from '../../src/core/units.ts'
import { type DeviceIdentity } from '../../src/wire/certified-device.ts'
import {
  type DeviceCa,
  generateCa,
  generateDeviceKey,
  issueCertificate,
  readCertificateRequest,
  requestCertificate,
} from '../../src/wire/device-certificate.ts'

export interface DeviceOptions {
  readonly isOrigin?: boolean
  readonly from?: EpochMillis
  readonly until?: EpochMillis
}

export class TestCa {
  readonly ca: DeviceCa

  private constructor(ca: DeviceCa) {
    this.ca = ca
  }

  /** TLS goes by the system's date, so certificates are made for that. */
  static async make(now = epochMillis(Date.now())): Promise<TestCa> {
    return new TestCa(await generateCa('https://media.example.com', now, addMillis(now, hours(24))))
  }

  async device(options: DeviceOptions = {}): Promise<DeviceIdentity> {
    const key = await generateDeviceKey()
    const request = await readCertificateRequest(await requestCertificate(key))
    const from = options.from ?? epochMillis(Date.now())
    const until = options.until ?? addMillis(from, hours(1))
    const isOrigin = options.isOrigin ?? false
    const certificate = await issueCertificate(this.ca, { request, isOrigin, from, until })
    return { device: request.device, key, certificate, ca: this.ca.certificate }
  }
}
