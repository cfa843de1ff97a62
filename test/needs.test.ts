import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Runs a suite of its own that needs a program nobody has. */
function runSuite(env: Readonly<Record<string, string>>): {
  out: string
  status: number | null
  failures: string
} {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-needs-'))
  try {
    const file = join(folder, 'one.test.mjs')
    writeFileSync(
      file,
      `import { needs } from ${JSON.stringify(join(root, 'test/support/needs.ts'))}
       describe('a part', () => {
         it('needs a shell', function () { needs(this, 'sh') })
         it('needs a thing', function () { needs(this, 'no-such-program') })
       })`,
    )
    const clean = { ...process.env, TEST_SUMMARY_FILE: undefined, SHOAL_REQUIRE_ALL: undefined }
    const failuresFile = join(folder, 'failures')
    const { stdout, status } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/mocha/bin/mocha.js'),
        '--reporter',
        join(root, 'test/support/summary-reporter.ts'),
        file,
      ],
      { cwd: root, encoding: 'utf8', env: { ...clean, TEST_FAILURES_FILE: failuresFile, ...env } },
    )
    return { out: stdout, status, failures: readFileSync(failuresFile, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('a test that needs what the machine lacks', () => {
  it('is skipped with the part and how to get it, and the last line counts it', () => {
    const { out, status, failures } = runSuite({})
    assert.equal(failures, '')
    assert.equal(status, 0)
    assert.match(out, /skipped: a part: no-such-program is missing \(get it with: scripts\/setup --system\)/)
    assert.match(out, /\n1 passed, 0 failed, 1 skipped\n$/)
  })

  it('fails where everything is required', () => {
    const { out, status, failures } = runSuite({ SHOAL_REQUIRE_ALL: '1' })
    assert.equal(status, 1)
    assert.match(out, /\n1 passed, 1 failed, 0 skipped\n$/)
    // as the whole suite prints it once more at its end
    assert.match(
      failures,
      /a part\s+needs a thing:\s+Error: no-such-program is missing[^]*in .*one\.test\.mjs/,
    )
  })
})
