/** The gateway of `shoal up`: a process beside it, without its secrets, that ends with it however it ends. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ViewerOrder } from '../support/browser-viewer.ts'
import { Child, until } from '../support/processes.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { makeTree } from '../support/tree.ts'
import { zWatch } from '../../src/wire/api-watch.ts'

const FILM = 'film.mp4'
const SIZE = 2_000_003
const late = (): AbortSignal => AbortSignal.timeout(25_000)

/** The processes whose parent is this one and that are a gateway's. */
function gatewaysOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        const isChild = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
        return (
          isChild &&
          /^shoal gateway|gateway\/child\.ts/.test(
            readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '),
          )
        )
      } catch {
        return false // it ended while we looked
      }
    })
}

const isThere = (pid: number): boolean => {
  try {
    return !/ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

describe('the gateway of `shoal up`', function () {
  this.timeout(60_000)
  const stack = new AsyncDisposableStack()
  let dir: string
  let up: Child
  let portal: string
  let gateway: number

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-gateway-up-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const library = join(dir, 'library')
    await makeTree(library, 'gateway', { [FILM]: SIZE })
    const env = { SHOAL_GATEWAY_UDP_PORT: '0', SHOAL_GATEWAY_BIND_ADDRESS: '127.0.0.1' }
    up = stack.use(
      startShoal(
        { dataDir: join(dir, 'data'), env },
        'up',
        '--listen',
        '127.0.0.1:0',
        '--library',
        library,
        '--peer-port',
        '0',
      ),
    )
    portal = String((await untilEvent(up, 'ready', late()))['portal'])
    gateway = await until('there is one', () => gatewaysOf(up.pid)[0], late())
  })
  after(() => stack.disposeAsync())

  it('is a process whose environment holds nothing of ours', () => {
    assert.doesNotMatch(readFileSync(`/proc/${gateway}/environ`, 'latin1'), /SHOAL_/)
    assert.match(readFileSync(`/proc/${up.pid}/environ`, 'latin1'), /SHOAL_/)
  })

  it('has the native code, which the process of keys and tokens has not', async () => {
    const maps = (pid: number): string => readFileSync(`/proc/${pid}/maps`, 'latin1')
    await until('it has begun', () => (maps(gateway).includes('node_datachannel') ? true : undefined), late())
    assert.ok(!maps(up.pid).includes('node_datachannel'))
  })

  it('gives a page that plays what it asks the portal for', async () => {
    const token = (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim()
    const ask = async (
      path: string,
      method = 'GET',
      body?: object,
    ): Promise<Record<string, unknown> | undefined> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
      const reply = await fetch(`${portal}${path}`, init)
      return reply.ok ? ((await reply.json()) as Record<string, unknown>) : undefined
    }
    const path = '/api/v1/bundles/film-mp4/releases/1/watch'
    const watch = zWatch.parse(await until('it may be watched', () => ask(path, 'POST', { file: 0 }), late()))
    assert.ok(watch.grant)
    const order: ViewerOrder = {
      url: watch.grant.trackerUrl.replace(/^http/, 'ws'),
      infoHash: watch.infohash,
      sizeBytes: watch.sizeBytes,
      pieceLength: watch.pieceLengthBytes,
    }
    const viewer = stack.use(
      new Child({
        argv: [process.execPath, join(import.meta.dirname, '../support/browser-viewer.ts')],
        graceMs: 500,
      }),
    )
    viewer.write(`${JSON.stringify(order)}\n`)
    const { sha256 } = await untilEvent(viewer, 'done', late())
    const film = await readFile(join(dir, 'library', FILM))
    assert.equal(sha256, createHash('sha256').update(film).digest('hex'))
  })

  it('ends when that process is killed', async () => {
    up.kill('SIGKILL')
    await up.exited
    await until('it has ended', () => (isThere(gateway) ? undefined : true), late())
  })
})
