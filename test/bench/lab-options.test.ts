/** What the lab's command line asks for. */
import assert from 'node:assert/strict'
import { rulesOf } from '../../bench/lab/cuts.ts'
import { readOptions } from '../../bench/lab/options.ts'
import { peersOf, placedHosts } from '../../bench/lab/plan.ts'

function planOf(text: string) {
  const [run] = readOptions(text.split(' ').filter((part) => part !== '')).runs
  assert.ok(run !== undefined)
  return run.plan
}
const kindsOf = (text: string) => planOf(text).sites.map(({ hosts }) => hosts.map(({ client }) => client))

describe('the options of the lab', () => {
  it('ask for the yardstick when there are none', () => {
    const { runs } = readOptions([])
    assert.equal(runs.length, 1)
    const [{ plan, content, origin, clients, timeoutSeconds }] = runs as [(typeof runs)[0]]
    assert.deepEqual(
      plan.sites.map(({ wanMbit, hosts }) => [wanMbit, hosts.length, hosts[0]?.lanMbit]),
      [
        [20, 4, 100],
        [20, 4, 100],
        [20, 4, 100],
      ],
    )
    assert.ok(placedHosts(plan).every((host) => host.arrivesAtSeconds === 0 && host.acceptsConnections))
    assert.deepEqual(
      [plan.originMbit, plan.cuts, plan.kill, plan.originLeavesAtCopies],
      [20, [], undefined, undefined],
    )
    assert.deepEqual(content, { files: 1, fileBytes: 67_108_864 })
    assert.deepEqual([origin, clients, timeoutSeconds], ['shoal', ['shoal'], 300])
  })

  it('take uneven sites and rates', () => {
    const plan = planOf('--hosts 1,2,8 --wan-mbit 20,20,2 --slow-hosts 2@10')
    assert.deepEqual(
      plan.sites.map(({ wanMbit, hosts }) => [wanMbit, hosts.length]),
      [
        [20, 1],
        [20, 2],
        [2, 8],
      ],
    )
    assert.equal(placedHosts(plan).filter(({ lanMbit }) => lanMbit === 10).length, 2)
  })

  it('give the hosts of a site the clients of a mix in turn', () => {
    assert.deepEqual(kindsOf('--mix libtorrent:shoal --sites 2 --hosts 3'), [
      ['libtorrent', 'shoal', 'libtorrent'],
      ['libtorrent', 'shoal', 'libtorrent'],
    ])
  })

  it('put poisoners beside the hosts, site after site', () => {
    assert.deepEqual(kindsOf('--sites 2 --hosts 1 --poisoners 3'), [
      ['shoal', 'poisoner', 'poisoner'],
      ['shoal', 'poisoner'],
    ])
    assert.equal(peersOf(planOf('--sites 2 --hosts 1 --poisoners 3')).length, 2)
  })

  it('close a share of the hosts and have a share come late, the same ones for the same seed', () => {
    const hosts = (seed: number) => placedHosts(planOf(`--closed 0.5 --late 0.25@20 --seed ${seed}`))
    assert.equal(hosts(1).filter(({ acceptsConnections }) => !acceptsConnections).length, 6)
    assert.equal(hosts(1).filter(({ arrivesAtSeconds }) => arrivesAtSeconds === 20).length, 3)
    assert.deepEqual(hosts(1), hosts(1))
    assert.notDeepEqual(hosts(1), hosts(2))
  })

  it('spread arrivals, kill, let the origin leave and take many small files', () => {
    const [run] = readOptions(
      '--arrivals 30 --kill 0.5@0.5 --origin-leaves 1.05 --files 2000x16KiB'.split(' '),
    ).runs
    assert.ok(new Set(placedHosts(run?.plan ?? planOf('')).map((host) => host.arrivesAtSeconds)).size > 6)
    assert.deepEqual(run?.plan.kill, { shareOfHosts: 0.5, atProgress: 0.5 })
    assert.equal(run.plan.originLeavesAtCopies, 1.05)
    assert.deepEqual(run.content, { files: 2_000, fileBytes: 16_384 })
  })

  it('draw as many topologies as are wanted, from seeds that follow each other', () => {
    const { runs } = readOptions('--draw 40 --topologies 3'.split(' '))
    assert.deepEqual(
      runs.map(({ seed, isDrawn }) => [seed, isDrawn]),
      [
        [40, true],
        [41, true],
        [42, true],
      ],
    )
    assert.deepEqual(runs[1]?.plan, readOptions('--draw 41'.split(' ')).runs[0]?.plan)
    assert.ok((runs[0]?.timeoutSeconds ?? 0) > 600)
  })

  for (const text of [
    '--client nobody',
    '--client shoal --tracker opentracker',
    '--mix libtorrent:shoal --tracker opentracker',
    '--hosts 0',
    '--size-mib 0',
    '--wan-mbit 20,20',
    '--closed 2',
    '--slow-hosts 20@10',
    '--kill 0.5',
    '--cut 4@1-2',
    '--cut all@5-5',
    '--cut 0@1-2',
    '--files 10',
    '--topologies 2',
    '--draw 1 --hosts 3',
    '--draw 1 --topologies 2 --svg x.svg',
    '--nothing',
  ])
    it(`refuse ${text}`, () => {
      assert.throws(() => readOptions(text.split(' ')))
    })
})

describe('a cut', () => {
  const networks = ['10.78.1.0/24', '10.78.2.0/24', '10.78.3.0/24']
  const rules = (text: string) => planOf(`--cut ${text}`).cuts.map((cut) => rulesOf(cut, networks))

  it('between two sites drops what they send each other', () => {
    assert.deepEqual(rules('1-3@10-70'), [
      ['from 10.78.1.0/24 to 10.78.3.0/24 blackhole', 'from 10.78.3.0/24 to 10.78.1.0/24 blackhole'],
    ])
  })

  it('of a site drops all that comes from it and goes to it', () => {
    assert.deepEqual(rules('2@10-70'), [['from 10.78.2.0/24 blackhole', 'to 10.78.2.0/24 blackhole']])
  })

  it('of all sites is one of each', () => {
    assert.equal(rules('all@10-70')[0]?.length, 6)
  })
})
