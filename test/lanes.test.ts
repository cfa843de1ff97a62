import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { filesByLane, PHASES } from './lanes.ts'

const root = resolve(import.meta.dirname, '..')

describe('The lanes of the suite', () => {
  it('have every test file, each once, and all of them are run', () => {
    const all = globSync('test/**/*.test.ts', { cwd: root }).toSorted()
    const lanes = filesByLane(root)
    assert.ok(all.length > 200, `saw ${all.length} files`)
    assert.deepEqual([...lanes.values()].flat().toSorted(), all)
    assert.deepEqual([...lanes.keys()].toSorted(), PHASES.flat().toSorted())
  })
})
