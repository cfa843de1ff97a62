/** What a person is told when something fails: an exit code, and one sentence. */
import assert from 'node:assert/strict'
import type { ShoalFinished } from '../../support/processes-shoal.ts'

/** Ended with `code`, and one line that `sentence` describes: no stack, no grant, nothing "unexpected". */
export function assertSaid(ended: ShoalFinished, code: number, sentence: RegExp): void {
  const all = `exit ${String(ended.code)}\n${ended.stdout}\n${ended.stderr}`
  const said = ended.stderr.split('\n').filter((line) => line.startsWith('shoal: '))
  assert.equal(ended.code, code, all)
  assert.equal(said.length, 1, all)
  assert.match(said[0] ?? '', sentence)
  assert.doesNotMatch(ended.stderr, /\n\s+at |eyJ[A-Za-z0-9_-]{8}|did not expect/)
}
