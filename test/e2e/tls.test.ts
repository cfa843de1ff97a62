/** `shoal up` with certificate files: pages, our client and a stock client over https. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate, type CertificateFiles } from '../support/certificates.ts'
import { needs } from '../support/needs.ts'
import { run, runOk } from '../support/processes.ts'
import { shoal, shoalOk } from '../support/processes-shoal.ts'
import { digestsOf } from '../support/tree.ts'
import { FILE, FOLDER, printed, Running } from './running.ts'

const TIMEOUT_MS = 120_000

describe('shoal up with TLS', function () {
  this.timeout(TIMEOUT_MS)
  const stack = new AsyncDisposableStack()
  let dir: string
  let files: CertificateFiles
  let running: Running

  before(async function () {
    needs(this, 'openssl', 'curl', 'aria2c')
    dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-tls-e2e-')), (made) =>
      rm(made, { recursive: true }),
    )
    files = await makeCertificate(dir, 'portal')
    const { certificate, key } = files
    // as a company's own authority is trusted
    process.env['NODE_EXTRA_CA_CERTS'] = certificate
    stack.defer(() => {
      delete process.env['NODE_EXTRA_CA_CERTS']
    })
    const flags = ['--tls-cert', certificate, '--tls-key', key]
    running = stack.use(await Running.start(AbortSignal.timeout(TIMEOUT_MS), ...flags))
  })
  after(async function () {
    this.timeout(60_000)
    await stack.disposeAsync()
  })

  it('is at https, marks its cookies, and sends whoever types http there', async () => {
    assert.match(running.portal, /^https:\/\/127\.0\.0\.1:\d+$/)
    const curl = ['curl', '-sS', '--cacert', files.certificate]
    const token = (await readFile(join(running.dataDir, 'admin.token'), 'utf8')).trim()
    const signedIn = await runOk([...curl, '-i', '-d', `token=${token}`, `${running.portal}/login`])
    assert.match(signedIn, /set-cookie: shoal\.sid=[^\r]*; Secure/i)
    assert.match(signedIn, /strict-transport-security/i)
    const plain = running.portal.replace('https:', 'http:')
    const sent = await runOk(['curl', '-sS', '-i', `${plain}/bundles/x`])
    assert.match(sent, new RegExp(`^HTTP/1\\.1 308 [\\s\\S]*Location: ${running.portal}/bundles/x\n`))
  })

  it('gives our own client a release, and a stock client by its .torrent', async () => {
    const admin = { dataDir: running.dataDir }
    const out = join(dir, 'ours')
    const got = await shoal(admin, 'get', FOLDER.bundle, '--out', out, '--peer-port', '0')
    assert.equal(got.code, 0, printed(got))
    assert.deepEqual(
      await digestsOf(join(out, FOLDER.name)),
      await digestsOf(join(running.library, FOLDER.name)),
    )
    const torrent = join(dir, 'file.torrent')
    await shoalOk(admin, 'link', 'link', FILE.bundle, '--torrent', torrent)
    const stock = join(dir, 'stock')
    const ended = await run({
      argv: [
        ...['aria2c', '--enable-dht=false', '--bt-enable-lpd=false', '--seed-time=0', '--quiet'],
        ...[`--ca-certificate=${files.certificate}`, `--dir=${stock}`, torrent],
      ],
    })
    assert.equal(ended.code, 0, ended.stderr)
    assert.deepEqual(
      (await readFile(join(stock, FILE.name))).equals(await readFile(join(running.library, FILE.name))),
      true,
    )
  })

  it('refuses one file without the other', async () => {
    const where = { dataDir: join(dir, 'other') }
    const ended = await shoal(where, 'up', '--listen', '127.0.0.1:0', '--tls-cert', files.certificate)
    assert.equal(ended.code, 2, printed(ended))
    assert.match(ended.stderr + ended.stdout, /both --tls-cert FILE and --tls-key FILE/)
  })
})
