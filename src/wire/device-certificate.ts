/**
 * Making what devices identify themselves by: the portal's small CA, requests (PKCS #10) and certificates, all
 * ECDSA P-256, which TLS takes everywhere. The library is loaded with this file, and this file when it is needed.
 */
import 'reflect-metadata' // the library wants it to be there first
import { createPrivateKey, createPublicKey, KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { ShoalError } from '../core/errors.ts'
import type { DeviceId } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import { deviceIdOf } from './certified-device.ts'
import { limits } from './limits.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** A clock that is a little behind must not find a fresh certificate to be of the future. */
const BACKDATED = limits.clockLeeway

/** PEM, both. The key is a secret. */
export interface DeviceCa {
  readonly key: string
  readonly certificate: string
}

export async function generateCa(portal: string, from: EpochMillis, until: EpochMillis): Promise<DeviceCa> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: ['Shoal devices'] }, { O: [portal] }],
    notBefore: new Date(from - BACKDATED),
    notAfter: new Date(until),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: pemOf(keys.privateKey), certificate: certificate.toString('pem') }
}

/** A key for a device, as PEM (PKCS #8): never leaves the machine. */
export async function generateDeviceKey(): Promise<string> {
  return pemOf((await generateKeys()).privateKey)
}

/** What the device sends in place of its key: the public half, and the proof that it holds the other. */
export async function requestCertificate(keyPem: string): Promise<string> {
  const privateKey = importPrivate(keyPem)
  const publicKey = createPublicKey(keyPem).toCryptoKey(ALGORITHM, true, ['verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device', // the portal names it
    keys: { privateKey, publicKey },
    signingAlgorithm: ALGORITHM,
  })
  return request.toString('pem')
}

export interface CertificateRequest {
  readonly device: DeviceId
  readonly publicKey: x509.PublicKey
}

/**
 * A request whose sender has shown that it holds the key. Of what else it asks for nothing is read.
 * @throws ShoalError `bad-input`.
 */
export async function readCertificateRequest(pem: string): Promise<CertificateRequest> {
  try {
    if (pem.length > limits.certificateCharsMax) throw new ShoalError('bad-input', 'too long')
    const request = new x509.Pkcs10CertificateRequest(pem)
    const { name, namedCurve } = request.publicKey.algorithm as Partial<EcKeyAlgorithm>
    if (name !== ALGORITHM.name || namedCurve !== ALGORITHM.namedCurve)
      throw new ShoalError('bad-input', 'another kind of key')
    if (!(await request.verify())) throw new ShoalError('bad-input', 'not signed by its own key')
    const der = Buffer.from(request.publicKey.rawData)
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    return { device: deviceIdOf(key), publicKey: request.publicKey }
  } catch (error) {
    throw new ShoalError(
      'bad-input',
      'request: no certificate request for an ECDSA P-256 key, signed by it',
      {
        cause: error,
      },
    )
  }
}

type EcKeyAlgorithm = webcrypto.EcKeyAlgorithm

export interface CertificateOrder {
  readonly request: CertificateRequest
  readonly isOrigin: boolean
  readonly from: EpochMillis
  readonly until: EpochMillis
}

export async function issueCertificate(ca: DeviceCa, order: CertificateOrder): Promise<string> {
  const issuer = new x509.X509Certificate(ca.certificate)
  const { device, publicKey } = order.request
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    issuer: issuer.subjectName,
    subject: [{ CN: [device] }, ...(order.isOrigin ? [{ OU: ['origin'] }] : [])],
    notBefore: new Date(order.from - BACKDATED),
    notAfter: new Date(order.until),
    publicKey,
    signingKey: importPrivate(ca.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
    ],
  })
  return certificate.toString('pem')
}

/** 15 random bytes below a first one that keeps the number positive (RFC 5280, 4.1.2.2). */
const newSerial = (): string => `4${randomBytes(16).toString('hex').slice(1)}`

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** @throws ShoalError `bad-input`. */
function importPrivate(pem: string): webcrypto.CryptoKey {
  try {
    return createPrivateKey(pem).toCryptoKey(ALGORITHM, true, ['sign'])
  } catch (error) {
    throw new ShoalError('bad-input', 'this is no private ECDSA P-256 key', { cause: error })
  }
}
