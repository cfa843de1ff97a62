import assert from 'node:assert/strict'
import { beginChildProcess } from '../../src/gateway/child-process.ts'

describe("the gateway's process", function () {
  this.timeout(30_000)

  it('leaves signals to its supervisor, which tells it when to say goodbye', async function () {
    if (process.platform === 'win32') this.skip()
    const heard: unknown[] = []
    let wake = (): void => undefined
    const ended: string[] = []
    const child = beginChildProcess({
      onMessage: (message) => {
        heard.push(message)
        wake()
      },
      onExit: (how) => {
        ended.push(how)
        wake()
      },
    })
    const until = async (isTrue: () => boolean): Promise<void> => {
      while (!isTrue()) await new Promise<void>((resolve) => (wake = resolve))
    }
    const hasSaid = (kind: string): boolean =>
      heard.some((message) => (message as { readonly kind?: string }).kind === kind)
    try {
      child.send({ kind: 'begin', udpPort: 0, bindAddress: '127.0.0.1', peersMax: 1, iceServers: [], sites: [] }) // prettier-ignore
      await until(() => hasSaid('ready') || ended.length > 0)
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.kill(child.pid ?? 0, signal)
      child.send({ kind: 'ping', n: 1 })
      await until(() => hasSaid('alive') || ended.length > 0)
      assert.deepEqual(ended, [])
      child.send({ kind: 'stop' })
      await until(() => ended.length > 0)
      assert.deepEqual(ended, ['code 0'])
    } finally {
      child.kill()
    }
  })
})
