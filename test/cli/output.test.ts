import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { Output } from '../../src/cli/output.ts'
import { table } from '../../src/cli/text.ts'

function outputInto(json: boolean): { output: Output; said: () => { out: string; err: string } } {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const text = (stream: PassThrough): string => String(stream.read() ?? '')
  return {
    output: new Output({ json, stdout, stderr }),
    said: () => ({ out: text(stdout), err: text(stderr) }),
  }
}

describe('what a command prints', () => {
  it('is only JSON lines on standard output with --json', () => {
    const { output, said } = outputInto(true)
    output.event({ event: 'bundle', bundle: 'a' })
    output.line('human')
    output.note('a remark')
    output.bar(0.5, 'half')
    assert.deepEqual(said(), { out: '{"event":"bundle","bundle":"a"}\n', err: '' })
  })

  it('is text without --json, remarks on standard error', () => {
    const { output, said } = outputInto(false)
    output.event({ event: 'bundle' })
    output.line('result')
    output.note('a remark')
    assert.deepEqual(said(), { out: 'result\n', err: 'a remark\n' })
  })

  it('has no bar where standard error is no terminal', () => {
    const { output, said } = outputInto(false)
    output.bar(0.5, 'half')
    output.clearBar()
    assert.deepEqual(said(), { out: '', err: '' })
  })

  it('lets no escape sequence of a foreign name reach the terminal', () => {
    const { output, said } = outputInto(false)
    output.line('\u001b[31mred\u0007 \u202egnp.exe')
    assert.deepEqual(said().out, '\ufffd[31mred\ufffd \ufffdgnp.exe\n')
  })

  it('aligns columns, numbers to the right', () => {
    assert.deepEqual(table(['name', 'size'], [['a', '1 B'], ['long', '10 kB']]), [
      'name   size',
      '----  -----',
      'a       1 B',
      'long  10 kB',
    ]) // prettier-ignore
  })
})
