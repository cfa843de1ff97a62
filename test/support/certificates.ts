/** Certificates for a test's own machine, made by openssl. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOk } from './processes.ts'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Self-signed, for 127.0.0.1 and localhost, and for more `addresses`; whoever is to trust it takes it as an authority. */
export async function makeCertificate(
  folder: string,
  name: string,
  addresses: readonly string[] = [],
): Promise<CertificateFiles> {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  await runOk([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', `/CN=${name}`],
    ...[
      '-addext',
      `subjectAltName=${['IP:127.0.0.1', 'DNS:localhost', ...addresses.map((each) => `IP:${each}`)].join()}`,
    ],
  ])
  return { certificate, key }
}

/** For Chromium's `--ignore-certificate-errors-spki-list`: the hash of the certificate's public key. */
export async function keyHashOf({ certificate }: CertificateFiles): Promise<string> {
  const { publicKey } = new X509Certificate(await readFile(certificate))
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}
