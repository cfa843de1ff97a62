/** The picture of a run. */
import assert from 'node:assert/strict'
import { drawChart, type Chart, type ChartHost } from '../../bench/lab/chart.ts'
import { element, label } from '../../bench/lab/svg.ts'

const sender = (name: string, more: Partial<ChartHost> = {}): ChartHost => ({
  name,
  site: undefined,
  isPoisoner: false,
  progress: [],
  ...more,
})
const host = (name: string, site: number): ChartHost =>
  sender(name, {
    site,
    progress: Array.from({ length: 200 }, (_, i) => [i / 10, Math.min(1, i / 150)] as const),
  })
const CHART: Chart = {
  title: 'shoal & co',
  words: '2 sites',
  boundSeconds: 12,
  marks: [{ atSeconds: 5, text: 'killed' }],
  hosts: [sender('origin'), host('host1-1', 0), host('host2-1', 1)],
  sent: [
    [0, 0, 0],
    [0.9, 0, 0.1],
    [0.2, 0.8, 0],
  ],
}
const count = (svg: string, what: string): number => svg.split(what).length - 1

describe('the picture of a run', () => {
  const svg = drawChart(CHART)

  it('has a line of few points for each host that receives', () => {
    const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(
      (found) => found[1]?.split(' ').length ?? 0,
    )
    assert.equal(lines.length, 2)
    assert.ok(lines.every((points) => points > 30 && points < 70))
  })

  it('has a cell for each that sent to another, stronger for more', () => {
    assert.equal(count(svg, 'h100v100h-100z'), 4)
    const strengths = [...svg.matchAll(/fill-opacity="([\d.]+)"/g)].map((found) => Number(found[1]))
    assert.deepEqual(strengths.toSorted(), [0.4, 0.5, 1, 1])
  })

  it('shows the bound and what happened, names the sites, and stays inside', () => {
    for (const text of ['>bound<', '>killed<', '>site 1<', '>site 2<', '>origin<', '>0.9<', 'shoal &amp; co'])
      assert.ok(svg.includes(text), text)
    assert.ok(!/(?:NaN|Infinity|undefined)/.test(svg))
    assert.ok(svg.length < 8_000)
  })

  it('is drawn of a run in which nothing arrived', () => {
    const nothing = {
      ...CHART,
      hosts: [sender('origin'), sender('host1-1', { site: 0 })],
      sent: [
        [0, 0],
        [0, 0],
      ],
    }
    assert.ok(!/(?:NaN|Infinity|undefined)/.test(drawChart(nothing)))
  })

  it('leaves the numbers out where there is no room for them', () => {
    const hosts = Array.from({ length: 40 }, (_, i) => host(`host1-${i}`, i % 9))
    const sent = hosts.map(() => hosts.map(() => 0.3))
    assert.ok(!drawChart({ ...CHART, hosts, sent }).includes('>0.3<'))
  })
})

describe('an element of SVG', () => {
  it('is escaped, and has numbers of one decimal', () => {
    assert.equal(element('a', { b: '"<&>"', c: 1.26 }), '<a b="&quot;&lt;&amp;&gt;&quot;" c="1.3"/>')
    assert.equal(label(1, 2, '<x>'), '<text x="1" y="2">&lt;x&gt;</text>')
  })
})
