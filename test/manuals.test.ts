import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { limitsManual } from '../scripts/limits-manual.ts'
import { manuals } from '../scripts/manuals.ts'
import { Output } from '../src/cli/output.ts'
import { buildProgram } from '../src/cli/program.ts'
import { limits } from '../src/wire/limits.ts'
import { mediaLimits } from '../src/wire/limits-media.ts'

describe('the manual', () => {
  it('says what the code says (else run: node scripts/manuals.ts)', async () => {
    const printed = await manuals()
    assert.deepEqual(
      [...printed.keys()].map((path) => basename(path)),
      ['limits.md', 'settings.md'],
    )
    for (const [path, text] of printed) assert.equal(readFileSync(path, 'utf8'), text, path)
  })

  it('names every bound with its reason', async () => {
    const text = [...(await manuals()).values()][0] ?? ''
    const rows = new Map(
      [...text.matchAll(/^\| `(\w+)` +\| (.+?) +\| (.*?) *\|$/gm)].map((m) => [m[1], m[3]]),
    )
    for (const name of Object.keys({ ...limits, ...mediaLimits }))
      assert.ok((rows.get(name) ?? '').length > 10, `${name} has no reason`)
  })

  it('tells every command and every flag of the command line', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../docs/cli.md'), 'utf8')
    let flags = 0
    const check = (command: Command, path: string): void => {
      for (const sub of command.commands) check(sub, `${path} ${sub.name()}`)
      assert.ok(text.includes(command.name()), `${path} is not in docs/cli.md`)
      for (const { long } of command.options) {
        flags += 1
        assert.ok(text.includes(long ?? ''), `${path} ${long ?? ''} is not in docs/cli.md`)
      }
    }
    check(buildProgram(new Output({ json: true })), 'shoal')
    assert.ok(flags > 50, `only ${flags} flags seen`)
  })

  it('takes no bound without a reason of its own', () => {
    const source = 'export const limits = { /** A size. */ aMax: 1, bMax: 2 } as const'
    assert.throws(() => limitsManual(source, { aMax: 1, bMax: 2 }), /gives no reason for bMax/)
  })

  it('shows values in the unit of their expression', () => {
    const source = `export const limits = {
      // --- first ---
      /** A size: one | two
       *  lines. */
      aMax: 4 * MiB,
      /** Another. */
      bMax: 1 * KiB,
      // --- second ---
      /** Time. */
      cMax: minutes(90),
      /** Count. */
      dMax: 5_000,
    } as const`
    const manual = limitsManual(source, { aMax: 4 * 1_024 ** 2, bMax: 1_024, cMax: 5_400_000, dMax: 5_000 })
    assert.match(manual, /^### First$/m)
    assert.match(manual, /^\| `aMax` \| 4 MiB \| A size: one \\\| two lines\. \|$/m)
    assert.match(manual, /^\| `bMax` \| 1 KiB \| Another\. \|$/m)
    assert.match(manual, /^\| `cMax` \| 90 min \| Time\. \|$/m)
    assert.match(manual, /^\| `dMax` \| 5,000 \| Count\. \|$/m)
  })
})
