/** Reading device certificates: whose it is, and whether the portal's CA gave it. Making them: `device-certificate.ts`. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { ShoalError } from '../core/errors.ts'
import { type DeviceId, deviceId } from '../core/ids.ts'
import { type EpochMillis, epochMillis } from '../core/units.ts'
import { limits } from './limits.ts'

/** What a device shows of itself in TLS, and by what it knows others: all PEM. */
export interface DeviceIdentity {
  readonly device: DeviceId
  /** PKCS #8. A secret. */
  readonly key: string
  readonly certificate: string
  /** The CA of the portal. */
  readonly ca: string
}

export interface CertifiedDevice {
  readonly device: DeviceId
  /** It may have every release of the portal. */
  readonly isOrigin: boolean
  readonly certifiedUntil: EpochMillis
}

const SUBJECT = /^CN=([A-Za-z0-9_-]{22})(?:\nOU=(origin))?$/
const REFUSED = 'this certificate is no device certificate of the portal'

/** The id of the device that holds this key. */
export function deviceIdOf(publicKey: KeyObject): DeviceId {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return deviceId(createHash('sha256').update(spki).digest().subarray(0, 16).toString('base64url'))
}

/** @throws ShoalError `bad-input` for what is no certificate. */
export function readCertificate(pem: string): X509Certificate {
  if (pem.length > limits.certificateCharsMax) throw new ShoalError('over-limit', 'a certificate too long')
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new ShoalError('bad-input', 'this is no certificate', { cause: error })
  }
}

/**
 * Whose certificate it is, when `ca` gave it and it is good at `now` (`limits.clockLeeway` to either side). That
 * the other side holds its key is for TLS to prove.
 * @throws ShoalError `not-granted` with one constant text.
 */
export function certifiedDevice(
  certificate: X509Certificate,
  ca: X509Certificate,
  now: EpochMillis,
): CertifiedDevice {
  const match = SUBJECT.exec(certificate.subject)
  const isOurs =
    match !== null && !certificate.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
  if (!isOurs || match[1] !== deviceIdOf(certificate.publicKey)) throw new ShoalError('not-granted', REFUSED)
  const from = certificate.validFromDate.getTime()
  const until = certificate.validToDate.getTime()
  if (now + limits.clockLeeway < from || now > until + limits.clockLeeway)
    throw new ShoalError('not-granted', REFUSED)
  return {
    device: deviceId(match[1]),
    isOrigin: match[2] === 'origin',
    certifiedUntil: epochMillis(until),
  }
}
