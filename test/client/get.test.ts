import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { fetchRelease, type GetListener } from '../../src/client/index.ts'
import type { AddTorrent } from '../../src/swarm/index.ts'
import { makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

const listener: GetListener = {
  onState: () => undefined,
  onProgress: () => undefined,
  onStall: () => undefined,
  onNote: () => undefined,
}

describe('fetching a release', () => {
  it('names its folder to the engine in one way, however the person named it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'shoal-get-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(dataDir, { recursive: true }))
    const swarm = stack.use(new SimulatedSwarm())
    const made = makeTorrent(100_000)
    const peer = await swarm.peer('10.0.0.2')
    const { torrent } = made
    const folders: string[] = []
    for (const folder of [join(dataDir, 'out'), relative(process.cwd(), join(dataDir, 'out'))]) {
      const add = (spec: AddTorrent): ReturnType<typeof peer.engine.add> => {
        folders.push(spec.folder)
        for (const [path, bytes] of made.contents) peer.storage.put(join(spec.folder, path), bytes.slice())
        return peer.engine.add(spec)
      }
      const engine = { ...peer.engine, add, port: 0, peerId: peer.engine.peerId }
      const { handle } = await fetchRelease(
        { infoHash: torrent.infoHash, torrent, announce: [] },
        { clock: swarm.clock, engine, dataDir },
        { folder, globs: [], overwrite: false, announce: () => [] },
        listener,
        new AbortController().signal,
      )
      await handle.stop()
    }
    assert.equal(folders[0], folders[1])
    assert.ok(isAbsolute(folders[1] ?? ''))
  })
})
