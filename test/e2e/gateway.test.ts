/** The gateway of `shoal up`: a process beside it, without its secrets, that ends with it however it ends. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/processes.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import type { Child } from '../support/processes.ts'

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
  let gateway: number

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-gateway-up-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const env = { SHOAL_GATEWAY_UDP_PORT: '0', SHOAL_TRACKER_PEERS_MAX: '1000' }
    up = stack.use(
      startShoal({ dataDir: join(dir, 'data'), env }, 'up', '--listen', '127.0.0.1:0', '--peer-port', '0'),
    )
    await untilEvent(up, 'ready', late())
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

  it('ends when that process is killed', async () => {
    up.kill('SIGKILL')
    await up.exited
    await until('it has ended', () => (isThere(gateway) ? undefined : true), late())
  })
})
