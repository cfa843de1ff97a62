/**
 * What goes wrong at a person's desk, and the one sentence that they get. Wrong and revoked links, foreign portals,
 * bundles that are not there, ports and data folders in use are in `test/e2e/command-line.test.ts`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { FILE, printed, Running } from '../e2e/running.ts'
import { needs } from '../support/needs.ts'
import { shoal, startShoal, untilEvent, type ShoalFinished } from '../support/processes-shoal.ts'
import { assertSaid } from './support/said.ts'

/** Nothing answers there: the port of a service that no machine of ours runs, on loopback. */
const NOBODY = 'http://127.0.0.1:1'
const ANY_PORT = ['--listen', '127.0.0.1:0', '--peer-port', '0']

describe('A fault is told in one sentence', function () {
  this.timeout(60_000)
  const stack = new AsyncDisposableStack()
  let running: Running

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(50_000)))
  })
  after(() => stack.disposeAsync())

  const path = (name: string): string => join(running.dir, name)
  const admin = (...args: readonly string[]): Promise<ShoalFinished> => running.run('admin', ...args)
  const get = (what: string, name: string): Promise<ShoalFinished> =>
    running.run(name, 'get', what, '--out', running.person(name).out, '--bind', '127.0.0.2')
  const upIn = (dataDir: string, ...args: readonly string[]): Promise<ShoalFinished> =>
    shoal({ dataDir }, 'up', ...ANY_PORT, ...args)

  async function linkOf(): Promise<string> {
    const made = await admin('link', FILE.bundle)
    return String(made.events.find((e) => e.event === 'link')?.magnet)
  }

  for (const [how, end] of [
    ['was revoked', (id: string) => admin('token', 'revoke', id)],
    ['has expired', expireToken],
  ] as const)
    it(`when a token ${how}`, async () => {
      const file = path(`${how}.token`)
      const made = await admin('token', 'create', how, '--expires', '1h', '--out', file)
      const id = made.events.find((e) => e.event === 'token')?.id
      const list = ['list', '--token-file', file]
      assert.equal((await running.run('holder', ...list)).code, 0)
      await end(String(id))
      assertSaid(
        await running.run('holder', ...list),
        3,
        /does not accept .* was revoked or has expired: ask for/,
      )
    })

  /** As an hour would. */
  function expireToken(id: string): void {
    const db = new Sqlite(join(running.dataDir, 'portal.sqlite'))
    const { changes } = db.prepare('update tokens set expires_at = ? where id = ?').run(Date.now() - 1, id)
    db.close()
    assert.equal(changes, 1)
  }

  it('when a magnet was altered on its way', async () => {
    const altered = (await linkOf()).replace(/&dn=[^&]*/, '&dn=Something%20else')
    assertSaid(
      await get(altered, 'altered'),
      3,
      /not signed by http.*or was changed on its way: take a fresh one/,
    )
  })

  it('when a magnet is not signed', async () => {
    const link = await linkOf()
    const unsigned = link.replace(/&x\.[a-z]+=[^&]*/g, '')
    assert.notEqual(unsigned, link)
    assertSaid(await get(unsigned, 'unsigned'), 3, /is not signed, .* take a fresh one from the portal/)
  })

  it('when a .torrent is damaged', async () => {
    const whole = path('whole.torrent')
    assert.equal((await admin('link', FILE.bundle, '--torrent', whole)).code, 0)
    const half = path('half.torrent')
    await writeFile(half, (await readFile(whole)).subarray(0, 300))
    assertSaid(
      await get(half, 'torn'),
      1,
      /half\.torrent" is no \.torrent, or a damaged one \(.*\): take a fresh/,
    )
    assertSaid(await running.run('torn', 'inspect', half), 1, /half\.torrent" is no \.torrent, or a damaged/)
  })

  for (const command of [
    ['list'],
    ['info', FILE.bundle],
    ['link', FILE.bundle],
    ['get', FILE.bundle, '--out', '.'],
    ['publish', import.meta.filename, '--title', 'T'],
    ['tracker', '--listen', '127.0.0.1:0'],
    ['seeder', '--peer-port', '0'],
  ])
    it(`when the portal cannot be reached by "${command[0] ?? ''}"`, async () => {
      const ended = await running.run('far', ...command, '--portal', NOBODY)
      assertSaid(
        ended,
        1,
        /portal at http:\/\/127\.0\.0\.1:1 does not answer \(connection refused\): is it running\?/,
      )
    })

  it('when the same release is being fetched into the same folder already', async () => {
    const { out } = running.person('twice')
    const get_ = ['get', FILE.bundle, '--out', out, '--bind', '127.0.0.2']
    const first = running.start('twice', ...get_, '--seed', 'forever')
    await untilEvent(first, 'seeding', AbortSignal.timeout(30_000))
    const say = new RegExp(`is in use by process ${first.pid}: stop it first, or choose another folder`)
    assertSaid(await running.run('twice', ...get_), 1, say)
    await first[Symbol.asyncDispose]()
  })

  it('when the library is a file', async () => {
    const ended = await upIn(path('up-1'), '--library', join(running.library, FILE.name))
    assertSaid(ended, 2, /the library ".*" is no folder: name the one that holds what is to be served/)
  })

  it('when the library of a seeder is a pipe', async () => {
    const pipe = path('pipe')
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0)
    const ended = await running.run('piper', 'seeder', '--library', pipe, '--peer-port', '0')
    assertSaid(ended, 2, /the library ".*pipe" is no folder/)
    assertSaid(await admin('publish', pipe, '--title', 'T'), 1, /is a named pipe: only files and folders/)
  })

  it('when the data folder is a file', async () => {
    assertSaid(await upIn(join(running.library, FILE.name)), 1, /a file lies where a folder belongs/)
    const into = join(running.library, FILE.name)
    const ended = await running.run('file', 'get', FILE.bundle, '--out', into)
    assertSaid(ended, 1, /is a link or no regular file; move it away/)
  })

  it('when this user may not read the library, or write where it was told to', async function () {
    needs(this, 'setpriv', 'root')
    await chmod(running.dir, 0o755)
    const [locked, home] = [path('locked'), path('home')]
    await mkdir(locked, { mode: 0o700 })
    await mkdir(home)
    await chmod(home, 0o777)
    const host = { name: 'here', address: '127.0.0.1', argv: asNobody }
    const as = { dataDir: join(home, 'data'), host, env: { ...running.person('nobody').env, HOME: home } }
    const token = path('nobody.token')
    await writeFile(token, await readFile(join(running.dataDir, 'admin.token')))
    await chmod(token, 0o644)
    const flags = ['--token-file', token]
    const say = /the system does not allow it \(EACCES: permission denied, .*locked/
    assertSaid(await shoal(as, 'up', ...ANY_PORT, '--library', locked), 1, say)
    assertSaid(await shoal(as, 'get', FILE.bundle, '--out', join(locked, 'out'), ...flags), 1, say)
    assertSaid(await shoal({ ...as, dataDir: join(locked, 'data') }, 'up', ...ANY_PORT), 1, say)
    const publish = await shoal(as, 'publish', locked, '--title', 'T', ...flags)
    assertSaid(publish, 1, /"locked" cannot be published: "\." cannot be read: permission denied/)
  })

  it('when the database is damaged', async () => {
    const dataDir = path('damaged')
    {
      await using up = startShoal({ dataDir }, 'up', ...ANY_PORT)
      await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
    } // in order: all of it is in the one file then
    const file = join(dataDir, 'portal.sqlite')
    await using database = await open(file, 'r+')
    await database.write(Buffer.alloc(4_096, 'rot'), 0, 4_096, 0)
    assertSaid(
      await upIn(dataDir),
      1,
      /portal\.sqlite" is damaged or no database: restore it from a backup, or/,
    )
    assert.ok((await stat(file)).size > 4_096, 'and it is left as it is')
  })

  it('when the list of trusted portals is damaged', async () => {
    const { dataDir } = running.person('untrusting')
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'trust.json'), '{"portals":[')
    assertSaid(
      await get(await linkOf(), 'untrusting'),
      1,
      /trust\.json" cannot be read: repair it, or remove it/,
    )
  })

  it('but the state of a download that is damaged only costs a look at the files', async () => {
    const first = await get(FILE.bundle, 'again')
    assert.equal(first.code, 0, printed(first))
    const records = join(running.person('again').dataDir, 'client')
    const [record = ''] = await readdir(records)
    await writeFile(join(records, record, 'state'), Buffer.alloc(200, 'rot'))
    const second = await get(FILE.bundle, 'again')
    assert.equal(second.code, 0, printed(second))
    const none = { site: 0, otherSites: 0, origin: 0, webSeed: 0 }
    assert.deepEqual(second.events.find((e) => e.event === 'done')?.from, none)
  })
})

function asNobody(argv: readonly string[]): string[] {
  return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...argv]
}
