/** What may stand between a machine and its portal: a proxy with a clock of its own, or with a certificate. */
import { createServer, request, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runOk } from '../support/processes.ts'

export interface Proxy extends AsyncDisposable {
  readonly port: number
}

export interface ProxyOptions {
  /** What its clock says beside the portal's. */
  readonly dateAheadMs?: number
  /** Without it, plain HTTP. */
  readonly certificate?: Certificate
}

export async function proxyOf(portal: string, options: ProxyOptions = {}): Promise<Proxy> {
  const { dateAheadMs = 0, certificate } = options
  const pass: RequestListener = (req, res) => {
    const onward = request(
      new URL(req.url ?? '/', portal),
      { method: req.method, headers: req.headers, agent: false },
      (answer) => {
        const date = Date.parse(answer.headers.date ?? '') + dateAheadMs
        res.writeHead(answer.statusCode ?? 0, { ...answer.headers, date: new Date(date).toUTCString() })
        answer.pipe(res)
      },
    )
    onward.on('error', () => {
      res.destroy()
    })
    req.pipe(onward)
  }
  const server = certificate === undefined ? createServer(pass) : createTlsServer(certificate, pass)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
}

/** A company's own certificate authority, as an administrator makes one with openssl. */
export class CompanyCa implements AsyncDisposable {
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly file: string
  readonly #dir: string
  #made = 0

  private constructor(dir: string) {
    this.#dir = dir
    this.file = join(dir, 'ca.pem')
  }

  static async create(): Promise<CompanyCa> {
    const ca = new CompanyCa(await mkdtemp(join(tmpdir(), 'shoal-ca-')))
    const subject = ['-subj', '/CN=A company', '-days', '2']
    await runOk([
      'openssl', 'req', '-x509', ...NEW_KEY, '-keyout', join(ca.#dir, 'ca.key'), '-out', ca.file, ...subject,
    ]) // prettier-ignore
    return ca
  }

  /** `name`: as in a subjectAltName, `IP:127.0.0.1` or `DNS:media.example`. `days` below zero: it has expired. */
  async certificate(name: string, days = 1): Promise<Certificate> {
    const path = (suffix: string): string => join(this.#dir, `${this.#made}.${suffix}`)
    this.#made++
    await writeFile(path('ext'), `subjectAltName=${name}\n`)
    await runOk([
      'openssl', 'req', '-new', ...NEW_KEY, '-keyout', path('key'), '-out', path('csr'), '-subj', '/CN=portal',
    ]) // prettier-ignore
    await runOk([
      'openssl', 'x509', '-req', '-in', path('csr'), '-CA', this.file, '-CAkey', join(this.#dir, 'ca.key'), '-CAcreateserial',
      '-days', String(days), '-extfile', path('ext'), '-out', path('pem'),
    ]) // prettier-ignore
    return { key: await readFile(path('key')), cert: await readFile(path('pem')) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true })
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
