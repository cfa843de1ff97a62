import assert from 'node:assert/strict'
import { openMetricsPort } from '../../src/cli/metrics-port.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { Metrics } from '../../src/platform/metrics.ts'

const AT = { host: '127.0.0.1', port: 0 }

describe('The port of the metrics', () => {
  it('serves the figures as they are at that moment, and nothing else', async () => {
    const metrics = new Metrics()
    let value = 1
    metrics.gauge({ name: 'shoal_test_value', help: 'A value', read: () => value })
    await using listener = await openMetricsPort(AT, metrics, silentLogger)
    const ask = (path: string, method = 'GET'): Promise<Response> =>
      fetch(`http://127.0.0.1:${listener.port}${path}`, { method })
    const first = await ask('/metrics')
    assert.match(first.headers.get('content-type') ?? '', /^text\/plain; version=/)
    assert.match(await first.text(), /^shoal_test_value 1$/m)
    value = 2
    assert.match(await (await ask('/metrics')).text(), /^shoal_test_value 2$/m)
    for (const [path, method] of [
      ['/', 'GET'],
      ['/announce', 'GET'],
      ['/metrics/', 'GET'],
      ['/metrics', 'POST'],
    ] as const)
      assert.equal((await ask(path, method)).status, 404, `${method} ${path}`)
  })

  it('answers 500, without a reason, when a figure cannot be had', async () => {
    const metrics = new Metrics()
    const read = (): number => {
      throw new Error('secret')
    }
    metrics.gauge({ name: 'shoal_test_value', help: 'A value', read })
    await using listener = await openMetricsPort(AT, metrics, silentLogger)
    const answer = await fetch(`http://127.0.0.1:${listener.port}/metrics`)
    assert.equal(answer.status, 500)
    assert.equal(await answer.text(), 'internal error\n')
  })
})
