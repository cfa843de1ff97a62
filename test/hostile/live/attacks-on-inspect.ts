/** Every magnet that ever hurt a client, read by `shoal inspect` in one process that really runs. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostileInputs } from '../../support/corpus.ts'
import { Child } from '../../support/processes.ts'
import { eventsOf } from '../../support/processes-shoal.ts'

export function attacksOnInspect(): void {
  describe('shoal inspect', function () {
    this.timeout(60_000)

    it('reads or refuses every hostile magnet, one after the other in one process', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'shoal-live-'))
      const inputs = hostileInputs('magnet')
      const argv = [process.execPath, join(import.meta.dirname, 'magnet-child.ts')]
      await using child = new Child({ argv, env: { SHOAL_DATA: dir } })
      for (const input of inputs) child.write(`${JSON.stringify(input.text)}\n`)
      child.endInput()
      assert.equal((await child.exited).code, 0, child.transcript())
      await rm(dir, { recursive: true })
      const codes = eventsOf(child).filter((event) => event.event === 'ended')
      assert.deepEqual(
        inputs.filter((input, i) => (codes[i]?.['code'] === 0) !== input.mustBeRead).map(({ name }) => name),
        [],
      )
      assert.doesNotMatch(child.errors.join('\n'), /^\s+at /m)
    })
  })
}
