import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeTorrent } from '../../src/wire/torrent.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

describe('a command whose output nobody reads any more', function () {
  this.timeout(30_000)

  it('does its work and ends as if somebody did, without a stack', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'shoal-gone-'))
    const file = join(dir, 'a.torrent')
    const { infoBytes } = makeTorrent(1_000).torrent
    writeFileSync(file, encodeTorrent({ infoBytes, announce: [['http://t.example/announce']] }))
    const child = spawn(process.execPath, [MAIN, 'inspect', file, '--json', '--data', dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.destroy()
    let complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
    const [code] = (await once(child, 'close')) as [number | null]
    rmSync(dir, { recursive: true })
    assert.equal(complaints, '')
    assert.equal(code, 0)
  })
})
