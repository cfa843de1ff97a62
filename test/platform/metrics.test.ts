import assert from 'node:assert/strict'
import { Metrics } from '../../src/platform/metrics.ts'

describe('metrics', () => {
  it('are rendered in the Prometheus text format', async () => {
    const metrics = new Metrics()
    metrics.counter({ name: 'shoal_test_total', help: 'Tests.', labels: ['kind'] }).inc({ kind: 'a' }, 2)
    let value = 1
    metrics.gauge({ name: 'shoal_test_now', help: 'Now.', read: () => value })
    metrics.histogram({ name: 'shoal_test_ms', help: 'Times.', buckets: [1, 10] }).observe(5)
    value = 7
    const { contentType, body } = await metrics.render()
    assert.match(contentType, /^text\/plain/)
    assert.match(body, /^shoal_test_total\{kind="a"\} 2$/m)
    assert.match(body, /^shoal_test_now 7$/m)
    assert.match(body, /^shoal_test_ms_bucket\{le="10"\} 1$/m)
  })

  it('have a value for each name of the moment', async () => {
    const metrics = new Metrics()
    const values = new Map([
      ['lyon', 2],
      ['oslo "north"', 3],
    ])
    metrics.gaugeBy({ name: 'shoal_test_by', help: 'By site.', label: 'site', read: () => values })
    const { body } = await metrics.render()
    assert.match(body, /^shoal_test_by\{site="lyon"\} 2$/m)
    assert.match(body, /^shoal_test_by\{site="oslo \\"north\\""\} 3$/m)
    values.delete('lyon')
    assert.doesNotMatch((await metrics.render()).body, /lyon/)
  })

  it('of one instance know nothing of another', async () => {
    new Metrics().counter({ name: 'shoal_same_total', help: 'Same.' }).inc()
    const other = new Metrics()
    other.counter({ name: 'shoal_same_total', help: 'Same.' })
    assert.match((await other.render()).body, /^shoal_same_total 0$/m)
  })
})
