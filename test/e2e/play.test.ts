/** A film played while it is fetched, with our own programs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { recordDir } from '../../src/client/index.ts'
import { infoHash } from '../../src/core/ids.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'
import { FILE, FOLDER, printed, Running } from './running.ts'

/** The only video of the folder, between files that share pieces with it. */
const FILM = { path: `${FOLDER.name}/lesson 1.mp4`, name: 'lesson 1.mp4' }
const ORIGIN_RATE = '4MB'

/** A program called `mpv`: plays a little from the middle of what the list names, and tells how it was called. */
const MPV = `#!/usr/bin/env node
const { readFileSync, writeFileSync, statSync } = require('node:fs')
const list = process.argv.at(-1)
const url = readFileSync(list, 'utf8').split('\\n')[1]
fetch(url, { headers: { range: 'bytes=3000000-3099999' } }).then(async (answer) => {
  const played = Buffer.from(await answer.arrayBuffer()).toString('base64')
  const mode = statSync(list).mode & 0o777
  const ours = Object.keys(process.env).filter((name) => name.startsWith('SHOAL_'))
  writeFileSync(process.env.SAID, JSON.stringify({ argv: process.argv.slice(2), url, played, mode, ours }))
  process.exit(Number(process.env.EXIT))
})
`

interface Said {
  readonly argv: readonly string[]
  readonly url: string
  readonly played: string
  readonly mode: number
  readonly ours: readonly string[]
}

async function get(url: string, range?: string): Promise<Buffer> {
  const asked = request(url, { agent: false, ...(range === undefined ? {} : { headers: { range } }) })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return buffer(answer)
}

async function urlOf(playing: Child): Promise<string> {
  return String((await untilEvent(playing, 'playing', AbortSignal.timeout(60_000)))['url'])
}

describe('shoal play', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  let running: Running
  let film: Buffer

  before(async () => {
    running = stack.use(await Running.start(AbortSignal.timeout(90_000), '--limit-up', ORIGIN_RATE))
    film = await readFile(join(running.library, FILM.path))
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(running.up.transcript())
  })
  after(() => stack.disposeAsync())

  /** Neither a file that was played nor a word of it. */
  const leavesNothing = async (name: string): Promise<void> => {
    for (const folder of ['played', 'client'])
      assert.deepEqual(await readdir(join(running.person(name).dataDir, folder)), [], folder)
  }

  it('serves ranges that are the bytes of the film, before it is all here, and leaves nothing behind', async () => {
    const playing = running.start('one', 'play', FOLDER.bundle, '--player', 'none')
    const event = await untilEvent(playing, 'playing', AbortSignal.timeout(60_000))
    assert.equal(event['file'], FILM.path)
    assert.equal(event['sizeBytes'], film.length)
    const url = String(event['url'])
    const ends: readonly (readonly [number, number])[] = [
      [film.length - 100_000, film.length],
      [2_500_001, 2_900_000],
      [0, 1],
    ]
    for (const [start, end] of ends) {
      const bytes = await get(url, `bytes=${start}-${end - 1}`)
      assert.ok(bytes.equals(film.subarray(start, end)), `${start} to ${end}`)
    }
    const [head, tail] = await Promise.all([get(url, 'bytes=0-2999999'), get(url, 'bytes=3000000-')])
    assert.ok(Buffer.concat([head, tail]).equals(film))
    await untilEvent(playing, 'done', AbortSignal.timeout(60_000))
    assert.ok((await get(url)).equals(film))
    playing.kill('SIGINT')
    assert.equal((await playing.exited).code, 0, playing.transcript())
    await leavesNothing('one')
    await assert.rejects(get(url))
  })

  it('keeps what it was told to keep, and goes on with it', async () => {
    const { out } = running.person('two')
    const args = ['play', FOLDER.bundle, '--player', 'none', '--out', out]
    const first = running.start('two', ...args)
    assert.ok(
      (await get(await urlOf(first), 'bytes=1000000-1999999')).equals(film.subarray(1_000_000, 2_000_000)),
    )
    first.kill('SIGKILL')
    await first.exited
    const second = running.start('two', ...args)
    assert.ok((await get(await urlOf(second))).equals(film))
    await untilEvent(second, 'done', AbortSignal.timeout(60_000))
    second.kill('SIGTERM')
    assert.equal((await second.exited).code, 0, second.transcript())
    assert.ok((await readFile(join(out, FILM.path))).equals(film))
    const verified = await running.run('two', 'verify', out)
    assert.equal(verified.code, 0, printed(verified))
  })

  for (const { exit, code } of [
    { exit: '0', code: 0 },
    { exit: '2', code: 1 },
  ])
    it(`starts a player, and ends with ${code} when that ends with ${exit}`, async () => {
      const bin = join(running.dir, `bin-${exit}`)
      const said = join(running.dir, `said-${exit}`)
      await mkdir(bin)
      await writeFile(join(bin, 'mpv'), MPV, { mode: 0o755 })
      const person = running.person('three')
      const path = `relative:${bin}:${process.env['PATH'] ?? ''}`
      const env = { ...person.env, PATH: path, SAID: said, EXIT: exit }
      await using playing = startShoal({ ...person, env }, 'play', FOLDER.bundle)
      assert.equal((await playing.exited).code, code, playing.transcript())
      const { argv, url, played, mode, ours } = JSON.parse(await readFile(said, 'utf8')) as Said
      assert.ok(Buffer.from(played, 'base64').equals(film.subarray(3_000_000, 3_100_000)))
      assert.ok(
        !argv.join(' ').includes(new URL(url).pathname.split('/')[1] ?? ''),
        'the secret is an argument',
      )
      assert.equal(argv.at(-2), '--')
      assert.equal(mode, 0o600)
      assert.deepEqual(ours, [])
      await leavesNothing('three')
    })

  it('removes what one that was killed left', async () => {
    const killed = running.start('four', 'play', FOLDER.bundle, '--player', 'none')
    await get(await urlOf(killed), 'bytes=0-99999')
    killed.kill('SIGKILL')
    await killed.exited
    const { dataDir } = running.person('four')
    assert.equal((await readdir(join(dataDir, 'played'))).length, 1)
    const next = running.start('four', 'play', FILE.bundle, '--file', '*.bin', '--player', 'none')
    await get(await urlOf(next), 'bytes=0-99999')
    await untilEvent(next, 'done', AbortSignal.timeout(60_000))
    next.kill('SIGINT')
    assert.equal((await next.exited).code, 0, next.transcript())
    await leavesNothing('four')
  })

  it('plays on when what one left cannot be removed', async () => {
    const { dataDir } = running.person('six')
    const hash = infoHash('a'.repeat(40))
    const left = join(dataDir, 'played', hash)
    await mkdir(left, { recursive: true })
    await mkdir(join(dataDir, 'client'))
    await writeFile(recordDir(dataDir, hash, left), 'no folder')
    const playing = running.start('six', 'play', FILE.bundle, '--file', '*.bin', '--player', 'none')
    await untilEvent(playing, 'done', AbortSignal.timeout(60_000))
    playing.kill('SIGINT')
    assert.equal((await playing.exited).code, 0, playing.transcript())
    assert.match(playing.errors.join('\n'), /what was played before was not removed/)
    assert.deepEqual(await readdir(join(dataDir, 'played')), [hash])
  })

  it('says when there is nothing to play, which files there are, and that a player is missing', async () => {
    const none = await running.run('five', 'play', FILE.bundle, '--player', 'none')
    assert.equal(none.code, 4, printed(none))
    const many = await running.run('five', 'play', FOLDER.bundle, '--player', 'none', '--file', '*.bin')
    assert.equal(many.code, 2, printed(many))
    assert.match(many.stderr, /which one\? Say it with --file: .*deep file\.bin/)
    assert.deepEqual(await readdir(join(running.person('five').dataDir, 'client')), [])
    const bin = join(running.dir, 'bash-alone')
    await mkdir(bin)
    await symlink('/bin/bash', join(bin, 'bash')) // the launcher is a script
    const env = { ...running.person('five').env, PATH: bin }
    await using missing = startShoal(
      { ...running.person('five'), env },
      'play',
      FOLDER.bundle,
      '--player',
      'vlc',
    )
    assert.equal((await missing.exited).code, 4, missing.transcript())
  })
})
