import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own, gone with the `await using` that holds it. */
export interface Scratch extends AsyncDisposable {
  readonly path: string
}

export async function scratchFolder(): Promise<Scratch> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'shoal-seeder-')))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
