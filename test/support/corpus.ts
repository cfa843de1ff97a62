/**
 * Inputs that once ended or abused somebody's program, replayed for ever: `test/hostile/corpus/PARSER/`, one
 * file each, its raw bytes. A name that begins with `read-` is of an input that must be read, harmlessly; all
 * others must be refused.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

export interface HostileInput {
  readonly name: string
  readonly bytes: Uint8Array
  /** The bytes as latin1, without the line end that an editor may have left: for parsers of text. */
  readonly text: string
  readonly mustBeRead: boolean
}

/** Every input kept for this parser. Fails when there is none: a check over nothing is no check. */
export function hostileInputs(parser: string): readonly HostileInput[] {
  const folder = new URL(`../hostile/corpus/${parser}/`, import.meta.url)
  const inputs = readdirSync(folder).map((name) => {
    const bytes = new Uint8Array(readFileSync(new URL(encodeURIComponent(name), folder)))
    const text = Buffer.from(bytes).toString('latin1').replace(/\n$/, '')
    return { name, bytes, text, mustBeRead: name.startsWith('read-') }
  })
  assert.ok(inputs.length > 0, `no hostile inputs for ${parser}`)
  return inputs
}
