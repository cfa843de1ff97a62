import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { hours } from '../../src/core/units.ts'
import { keptSwarmSecret } from '../../src/tracker/index.ts'
import { SwarmKeys } from '../../src/tracker/swarm-keys.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { OTHER_SWARM, SWARM } from './support.ts'

const secret = (n: number): Uint8Array => new Uint8Array(32).fill(n)

describe('the keys of swarms', () => {
  it('are one for each swarm, the same for the same secret, and another for another', () => {
    const clock = new ManualClock()
    const keys = new SwarmKeys({ clock, secret: secret(1) })
    const key = keys.of(SWARM)
    assert.equal(keys.of(SWARM), key)
    assert.notEqual(keys.of(OTHER_SWARM), key)
    assert.equal(new SwarmKeys({ clock, secret: secret(1) }).of(SWARM), key)
    assert.notEqual(new SwarmKeys({ clock, secret: secret(2) }).of(SWARM), key)
  })

  it('change once a day', () => {
    const clock = new ManualClock()
    const keys = new SwarmKeys({ clock, secret: secret(1) })
    const seen = new Set<string>()
    for (let hour = 0; hour < 72; hour++) {
      seen.add(keys.of(SWARM))
      clock.advance(hours(1))
    }
    assert.ok(seen.size === 3 || seen.size === 4, `${seen.size} keys in three days`)
  })
})

describe('the secret of swarm keys', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-swarm-secret-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('is made once, for its owner alone, and outlives a restart', async () => {
    const made = await keptSwarmSecret(folder)
    assert.equal(made.length, 32)
    assert.deepEqual(Buffer.from(await keptSwarmSecret(folder)), Buffer.from(made))
    assert.equal((await stat(join(folder, 'tracker/swarm.key'))).mode & 0o077, 0)
  })

  it('is refused when it is none: half a file opens no swarm to who guesses it', async () => {
    const made = await keptSwarmSecret(folder)
    const path = join(folder, 'tracker/swarm.key')
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 20))
    await assert.rejects(keptSwarmSecret(folder), ShoalError)
    assert.equal(made.length, 32)
  })
})
