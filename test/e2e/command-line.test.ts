/** What scripts rely on: exit codes, one sentence an error, and the events of commands that only ask. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mediaFile } from '../seeder/support/media-files.ts'
import { needs } from '../support/needs.ts'
import { shoal, type ShoalFinished, type ShoalWhere } from '../support/processes-shoal.ts'
import { AWKWARD_FILES } from '../support/tree.ts'
import { FILE, FOLDER, printed, Running } from './running.ts'

describe('the command line', function () {
  this.timeout(60_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(50_000)))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  /** Exit code and one sentence on standard error, without a stack and without a token. */
  const fails = (ended: ShoalFinished, code: number, sentence: RegExp): void => {
    assert.equal(ended.code, code, printed(ended))
    assert.match(ended.stderr, sentence)
    assert.doesNotMatch(ended.stderr, /\n\s+at |eyJ[A-Za-z0-9_-]{8}/)
  }

  it('exits 2 for a flag that it does not know', async () => {
    fails(await running.run('p', 'list', '--no-such-flag'), 2, /no-such-flag/)
  })
  it('exits 2 for a command without what it needs', async () => {
    fails(await running.run('p', 'get', FILE.bundle), 2, /--out/)
  })
  it('exits 2 for a value that it cannot read', async () => {
    fails(await running.run('p', 'link', FILE.bundle, '--expires', 'soon'), 2, /soon/)
  })

  it('lists what is of a kind, and knows no other kinds', async () => {
    const ofKind = async (kind: string): Promise<unknown[]> =>
      (await running.run('p', 'list', '--kind', kind)).events.map((e) => e.bundle)
    assert.ok((await ofKind('software')).includes(FILE.bundle))
    assert.deepEqual(await ofKind('audio'), [])
    fails(await running.run('p', 'list', '--kind', 'films'), 2, /video, audio/)
  })

  it('tells how long a video is, soon after it was put into the library', async () => {
    const sample = fileURLToPath(new URL('../../src/cli/demo/sample.mp4', import.meta.url))
    await copyFile(sample, join(running.library, 'Sample.mp4'))
    let found: ShoalFinished['events'][number] | undefined
    while (typeof found?.durationSeconds !== 'number')
      [found] = (await running.run('p', 'list', '--kind', 'video')).events
    const shown = await running.run('p', 'info', 'sample-mp4')
    assert.equal(shown.code, 0, printed(shown))
    const release = shown.events.find((e) => e.event === 'release')
    assert.match(JSON.stringify(release?.media), /"kind":"video".*"playsInBrowsers":true/)
  })

  it('publishes a mended copy of a film where that is wanted, and hints at it where not', async function () {
    needs(this, 'ffmpeg')
    const late = mediaFile('late.mp4')
    const before = await readFile(late)
    const hinted = await running.run('p', 'publish', late, '--title', 'As it is')
    assert.equal(hinted.code, 0, printed(hinted))
    assert.ok(
      hinted.events.some((e) => e.event === 'mendable'),
      printed(hinted),
    )
    const ended = await running.run('p', 'publish', late, '--title', 'Mended', '--mend')
    assert.equal(ended.code, 0, printed(ended))
    const mended = ended.events.find((e) => e.event === 'mended')
    const copy = await readFile(String(mended?.['path']))
    assert.equal(copy.length, mended?.['sizeBytes'])
    assert.ok(copy.indexOf('moov') < copy.indexOf('mdat'))
    assert.deepEqual(await readFile(late), before, 'the file itself is as it was')
    const again = await running.run('p', 'publish', late, '--title', 'Again', '--mend')
    assert.ok(!again.events.some((e) => e.event === 'mended'), 'what was mended before is found')
    fails(await running.run('p', 'publish', running.library, '--title', 'Folder', '--mend'), 2, /one file/)
  })

  it('exits 3 for a token that the portal does not know', async () => {
    const tokenFile = join(running.dir, 'wrong.token')
    await writeFile(tokenFile, 'shoal_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n', { mode: 0o600 })
    const ended = await running.run('p', 'list', '--token-file', tokenFile)
    fails(ended, 3, /token/)
    assert.doesNotMatch(ended.stderr, /shoal_AAAA/)
  })

  it('exits 3 when a viewer wants to publish', async () => {
    const tokenFile = join(running.dir, 'viewer.token')
    const made = await running.run('p', 'token', 'create', 'viv', '--role', 'viewer', '--out', tokenFile)
    assert.equal(made.code, 0, printed(made))
    const viewer: ShoalWhere = { ...running.person('viv'), env: { SHOAL_PORTAL: running.portal } }
    const path = join(running.library, FILE.name)
    fails(await shoal(viewer, 'publish', path, '--title', 'Mine', '--token-file', tokenFile), 3, /./)
  })

  it('exits 3 for a link of a portal that is not trusted here', async () => {
    const link = await running.run('p', 'link', FILE.bundle)
    const magnet = String(link.events.find((e) => e.event === 'link')?.magnet)
    const elsewhere = magnet.replaceAll(encodeURIComponent(new URL(running.portal).host), '127.0.0.9%3A4321')
    assert.notEqual(elsewhere, magnet)
    const first = await running.run(
      'q',
      'get',
      magnet,
      '--out',
      running.person('q').out,
      '--bind',
      '127.0.0.2',
    )
    assert.equal(first.code, 0, printed(first))
    fails(await running.run('q', 'get', elsewhere, '--out', running.person('q').out), 3, /trust/)
  })

  it('exits 3 for a link that was revoked, and says so', async () => {
    const link = await running.run('p', 'link', FILE.bundle)
    const { magnet, grant } = link.events.find((e) => e.event === 'link') as {
      magnet?: string
      grant?: string
    }
    const revoked = await running.run('p', 'revoke', String(grant))
    assert.equal(revoked.code, 0, printed(revoked))
    const { out } = running.person('r')
    fails(await running.run('r', 'get', String(magnet), '--out', out), 3, /revoked/)
  })

  it('exits 4 for a bundle that is not there', async () => {
    fails(await running.run('p', 'info', 'no-such-bundle'), 4, /no such bundle/)
    fails(
      await running.run('p', 'get', 'no-such-bundle', '--out', running.person('p').out),
      4,
      /no such bundle/,
    )
  })

  it('exits 4 for a grant that is not there', async () => {
    fails(await running.run('p', 'revoke', 'AAAAAAAAAAAAAAAA'), 4, /grant/)
  })

  it('says that a port is taken, and by which flag to choose another', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-e2e-'))
    const listen = new URL(running.portal).host
    const second = await shoal({ dataDir: join(dir, 'data') }, 'up', '--listen', listen, '--peer-port', '0')
    fails(second, 1, /in use|taken/)
    const peer = String(running.peerPort)
    const get = await running.run(
      'p',
      'get',
      FILE.bundle,
      '--out',
      running.person('p').out,
      '--peer-port',
      peer,
    )
    fails(get, 1, /in use|taken/)
    await rm(dir, { recursive: true })
  })

  it('refuses a data folder that another process uses', async () => {
    const second = await shoal(
      { dataDir: running.dataDir },
      'up',
      '--listen',
      '127.0.0.1:0',
      '--peer-port',
      '0',
    )
    fails(second, 1, new RegExp(`${running.up.pid}`))
  })

  it('lists what is there, and tells of one bundle its files', async () => {
    const listed = await running.run('p', 'list')
    const bundles = listed.events.filter((e) => e.event === 'bundle').map((e) => e.bundle)
    for (const bundle of [FOLDER.bundle, FILE.bundle]) assert.ok(bundles.includes(bundle), String(bundles))
    const found = await running.run('p', 'list', 'safety')
    assert.deepEqual(
      found.events.filter((e) => e.event === 'bundle').map((e) => e.sizeBytes),
      [FILE.sizeBytes],
    )
    const info = await running.run('p', 'info', FOLDER.bundle)
    const release = info.events.find((e) => e.event === 'release')
    assert.equal((release?.files as unknown[]).length, Object.keys(AWKWARD_FILES).length)
  })

  it('inspects a link and a .torrent without showing the grant itself', async () => {
    const torrentFile = join(running.dir, 'inspected.torrent')
    const link = await running.run('p', 'link', FOLDER.bundle, '--torrent', torrentFile)
    const made = link.events.find((e) => e.event === 'link')
    for (const what of [String(made?.magnet), torrentFile]) {
      const seen = await running.run('p', 'inspect', what)
      assert.equal(seen.code, 0, printed(seen))
      assert.equal(seen.events[0]?.grant, made?.grant)
      assert.doesNotMatch(seen.stdout, /eyJ[A-Za-z0-9_-]{8}/)
    }
  })
})
