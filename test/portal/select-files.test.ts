import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { selectFiles } from '../../src/portal/grants/select-files.ts'

const paths = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `Course/part ${i % 10}/${i}.mp4`)

describe('the files of a link', () => {
  it('are the ranges of indices that a glob matches', async () => {
    assert.deepEqual(
      await selectFiles(['r/a.txt', 'r/b.mp4', 'r/c.mp4', 'r/d/e.mp4', 'r/f.txt'], ['*.mp4']),
      [[1, 3]],
    )
    assert.deepEqual(await selectFiles(['r/a.txt', 'r/b.mp4', 'r/c.txt'], ['a.*', 'c.*']), [
      [0, 0],
      [2, 2],
    ])
  })

  it('must be some, and must fit in a link', async () => {
    await assert.rejects(selectFiles(paths(10), ['*.txt']), { code: 'bad-input' })
    await assert.rejects(selectFiles(paths(200), ['*0.mp4', '*2.mp4', '*4.mp4', '*6.mp4', '*8.mp4']), {
      code: 'over-limit',
    })
  })

  it('are chosen by plain patterns only', async () => {
    for (const glob of ['{a,b}', '+(a)', 'a*b*c*d*', '**/**/**/a'])
      await assert.rejects(selectFiles(paths(1), [glob]), { code: 'bad-input' })
  })

  it('are looked for while the event loop goes on', async () => {
    const delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    const globs = Array.from({ length: 32 }, (_, i) => `**/no${i}*such*`)
    await assert.rejects(selectFiles(paths(5_000), globs), { code: 'bad-input' })
    delay.disable()
    assert.ok(delay.count > 5, 'the loop turned while it looked')
  })
})
