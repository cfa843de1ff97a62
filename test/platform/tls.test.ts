/** A port that speaks TLS, with certificate files that are renewed under it. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { ShoalError } from '../../src/core/errors.ts'
import { millis } from '../../src/core/units.ts'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { TlsFiles } from '../../src/platform/tls-files.ts'
import { makeCertificate, type CertificateFiles } from '../support/certificates.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { needs } from '../support/needs.ts'

describe('A port with TLS', function () {
  this.timeout(20_000)
  let folder = ''
  let one: CertificateFiles
  let other: CertificateFiles
  let files: TlsFiles
  let listener: HttpListener
  let origin: string | undefined

  before(async function () {
    needs(this, 'openssl')
    folder = await mkdtemp(join(tmpdir(), 'shoal-tls-'))
    one = await makeCertificate(folder, 'one')
    other = await makeCertificate(folder, 'other')
  })
  after(async () => {
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  })

  const paths = () => ({ certificate: join(folder, 'used.pem'), key: join(folder, 'used.key') })
  const use = async ({ certificate, key }: CertificateFiles): Promise<void> => {
    await copyFile(certificate, paths().certificate)
    await copyFile(key, paths().key)
  }

  beforeEach(async () => {
    await use(one)
    files = await TlsFiles.open(paths(), { clock: new ManualClock(), log: silentLogger })
    origin = 'https://media.example.com'
    listener = await listenHttp(
      (req, res) => {
        if (req.url === '/slow') return
        if (req.headers['content-length'] === '100') return void req.resume()
        res.end(`hello ${req.socket.remoteAddress ?? ''}`)
      },
      {
        host: '127.0.0.1',
        port: 0,
        headersTimeout: millis(500),
        requestTimeout: millis(700),
        closeTimeout: millis(200),
        tls: { files, origin: () => origin },
      },
    )
  })
  afterEach(async () => {
    files[Symbol.dispose]()
    await listener[Symbol.asyncDispose]()
  })

  /** What a client that trusts `certificate` gets, and by whose certificate. */
  async function get(certificate: string, path = '/'): Promise<{ text: string; subject: string }> {
    const ca = await readFile(certificate)
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: listener.port, path, ca, agent: false }, (res) => {
        const { subject } = (res.socket as TLSSocket).getPeerCertificate()
        let text = ''
        res.on('data', (chunk: Buffer) => (text += chunk.toString()))
        res.on('end', () => {
          resolve({ text, subject: String(subject.CN) })
        })
      })
      asked.on('error', reject)
      asked.end()
    })
  }
  /** All that comes back for these bytes without TLS. */
  const plainly = (bytes: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: listener.port })
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        resolve(text)
      })
      socket.write(bytes)
    })

  it('answers as without, and knows the address of who asks', async () => {
    assert.deepEqual(await get(one.certificate), { text: 'hello 127.0.0.1', subject: 'one' })
    await assert.rejects(get(other.certificate))
  })

  it('takes simple GETs from the socket, as without', async () => {
    listener.setDirect((asked) => (asked.target === '/announce' ? 'direct' : undefined))
    assert.equal((await get(one.certificate, '/announce')).text, 'direct')
    assert.match((await get(one.certificate, '/else')).text, /^hello/)
  })

  it('sends whoever comes without TLS to the same page with it, and says so to the rest', async () => {
    const sent = await plainly('GET /bundles/x?y=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n')
    assert.match(sent, /^HTTP\/1\.1 308 /)
    assert.match(sent, /\r\nLocation: https:\/\/media\.example\.com\/bundles\/x\?y=1\r\n/)
    for (const bytes of [
      'POST / HTTP/1.1\r\n\r\n',
      'GET //x\r\n\r\n',
      'GET /a b HTTP/1.1\r\n',
      '\0\0\0\0',
      'x',
    ])
      assert.match(await plainly(bytes), /^HTTP\/1\.1 400 /, JSON.stringify(bytes))
    origin = undefined
    assert.match(await plainly('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /)
  })

  it('gives up on who says nothing, garbage or half of a handshake, and goes on for others', async () => {
    assert.equal(await plainly(''), '')
    await plainly('\x16\x03\x01\x02\x00\x01\x00')
    await plainly(`\x16${'garbage'.repeat(1_000)}`)
    assert.match((await get(one.certificate)).text, /^hello/)
  })

  it('cuts a body that does not come, and closes at once where all is idle', async () => {
    const ca = await readFile(one.certificate)
    const at = { host: '127.0.0.1', port: listener.port, ca }
    const stalled = connectTls(at, () => {
      stalled.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n')
    })
    stalled.on('error', () => undefined)
    stalled.on('data', () => undefined)
    await new Promise((resolve) => stalled.once('close', resolve))
    const idle = connectTls(at, () => {
      idle.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    })
    idle.on('error', () => undefined)
    await new Promise((resolve) => idle.once('data', resolve))
    const started = performance.now()
    await listener[Symbol.asyncDispose]()
    assert.ok(performance.now() - started < 150, 'before the time to close is over')
  })

  it('uses renewed files for whoever comes from then on, and none that will not do', async () => {
    await use(other)
    await files.look()
    assert.equal((await get(other.certificate)).subject, 'other')
    await writeFile(paths().certificate, 'half written')
    await files.look()
    await use({ certificate: one.certificate, key: other.key })
    await files.look()
    assert.equal((await get(other.certificate)).subject, 'other')
    await use(one)
    await files.look()
    assert.equal((await get(one.certificate)).subject, 'one')
  })

  it('ends in time, with requests and handshakes under way', async () => {
    const ca = await readFile(one.certificate)
    const slow = connectTls({ host: '127.0.0.1', port: listener.port, ca }, () => {
      slow.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
    })
    slow.on('error', () => undefined)
    const half = connect({ host: '127.0.0.1', port: listener.port })
    half.on('error', () => undefined)
    half.write('\x16\x03\x01')
    await new Promise((resolve) => setTimeout(resolve, 100))
    const ended = Promise.all(
      [slow, half].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
    )
    await listener[Symbol.asyncDispose]()
    await ended
  })

  it('refuses files that will not do with a sentence', async () => {
    const parts = { clock: new ManualClock(), log: silentLogger }
    const missing = join(folder, 'missing')
    const { certificate, key } = one
    for (const [given, sentence] of [
      [{ certificate: missing, key }, /cannot be read/],
      [{ certificate, key: missing }, /cannot be read/],
      [{ certificate: key, key }, /holds no certificate/],
      [{ certificate, key: certificate }, /holds no private key/],
      [{ certificate, key: other.key }, /is not that of the certificate/],
    ] as const)
      await assert.rejects(
        TlsFiles.open(given, parts),
        (error) => error instanceof ShoalError && error.code === 'bad-usage' && sentence.test(error.message),
      )
  })
})
