import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

describe('the launcher', () => {
  let elsewhere: string
  beforeEach(() => {
    elsewhere = mkdtempSync(join(tmpdir(), 'shoal-launcher-'))
  })
  afterEach(() => {
    rmSync(elsewhere, { recursive: true })
  })

  it('works by a symbolic link to a symbolic link, from any folder', () => {
    symlinkSync(join(root, 'shoal'), join(elsewhere, 'one'))
    symlinkSync('one', join(elsewhere, 'two'))
    const { stdout, stderr, status } = spawnSync('./two', ['--version'], { cwd: elsewhere, encoding: 'utf8' })
    assert.deepEqual({ stdout, stderr, status }, { stdout: `${version}\n`, stderr: '', status: 0 })
  })

  it('passes arguments on as they are, and the exit code back', () => {
    const { stdout, stderr, status } = spawnSync(join(root, 'shoal'), ['no such command', '$HOME', '*'], {
      encoding: 'utf8',
    })
    assert.equal(status, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /no such command/)
  })

  it('needs no set-up and no Node on PATH once it is set up', () => {
    const { stdout } = spawnSync(join(root, 'shoal'), ['--version'], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: elsewhere },
    })
    assert.equal(stdout, `${version}\n`)
  })
})

describe('the set-up', () => {
  it('does nothing again, and says nothing on standard output', () => {
    const modules = join(root, 'node_modules/.package-lock.json')
    const before = statSync(modules).mtimeMs
    const { stdout, status } = spawnSync(join(root, 'scripts/setup'), { cwd: tmpdir(), encoding: 'utf8' })
    assert.deepEqual({ stdout, status }, { stdout: '', status: 0 })
    assert.equal(statSync(modules).mtimeMs, before)
  })

  it('refuses what it does not know', () => {
    const { stderr, status } = spawnSync(join(root, 'scripts/setup'), ['--everything'], { encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stderr, /usage: scripts\/setup \[--system\]/)
  })
})
