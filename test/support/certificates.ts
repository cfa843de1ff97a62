/** Certificates for a test's own machine, made by openssl. */
import { join } from 'node:path'
import { runOk } from './processes.ts'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Self-signed, for 127.0.0.1 and localhost; whoever is to trust it takes it as an authority. */
export async function makeCertificate(folder: string, name: string): Promise<CertificateFiles> {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  await runOk([
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', certificate, '-days', '2', '-subj', `/CN=${name}`],
    ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
  ])
  return { certificate, key }
}
