/** The lab of bench/lab, small: that it still runs, counts what it says it counts, and leaves nothing behind. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { connectionsIn } from '../../bench/lab/flows.ts'
import { LAB_NEEDS } from '../support/namespaces.ts'
import { needs } from '../support/needs.ts'
import { Child, until } from '../support/processes.ts'

const MAIN = new URL('../../bench/lab/main.ts', import.meta.url).pathname
const SMALL = ['--sites', '2', '--hosts', '1', '--size-mib', '1']
const NAMESPACE_DIR = '/run/netns'

interface Line {
  readonly finished: number
  readonly wanted: number
  readonly areBytesRight: boolean
  readonly originCopies: number
  readonly wanCopies: readonly number[]
}

const startLab = (...args: readonly string[]): Child =>
  new Child({ argv: [process.execPath, MAIN, ...SMALL, ...args], graceMs: 20_000 })

const namespacesOf = ({ pid }: Child): readonly string[] =>
  readdirSync(NAMESPACE_DIR).filter((name) => name.startsWith(`shoal-${pid}-`))

describe('the lab', function () {
  this.timeout(90_000)

  before(function () {
    needs(this, ...LAB_NEEDS, 'tc', 'ss', 'opentracker', 'mktorrent', 'python3-libtorrent')
  })

  for (const args of [
    ['--client', 'shoal'],
    ['--client', 'libtorrent', '--tracker', 'opentracker'],
    [
      '--mix',
      'shoal',
      '--hosts',
      '2',
      '--closed',
      '0.5',
      '--arrivals',
      '2',
      '--files',
      '20x50KiB',
      '--poisoners',
      '1',
    ],
  ])
    it(`has every byte right and at least one copy over each link: ${args.join(' ')}`, async () => {
      await using lab = startLab(...args)
      const { code } = await lab.exited
      assert.equal(code, 0, lab.transcript())
      const line = JSON.parse(lab.lines.at(-1) ?? '') as Line
      assert.equal(line.finished, line.wanted)
      assert.ok(line.areBytesRight)
      for (const copies of [line.originCopies, ...line.wanCopies])
        assert.ok(copies >= 1, JSON.stringify(line))
      assert.deepEqual(namespacesOf(lab), [])
    })

  it('fails when somebody was not done in time', async () => {
    await using lab = startLab('--tracker', 'opentracker', '--client', 'libtorrent', '--timeout-s', '0.01')
    assert.equal((await lab.exited).code, 1, lab.transcript())
    assert.equal((JSON.parse(lab.lines.at(-1) ?? '') as Line).finished, 0)
  })

  it('leaves no namespace behind when it is interrupted', async () => {
    await using lab = startLab('--client', 'shoal')
    const isUp = (): true | undefined => lab.errors.some((line) => line.startsWith('starting')) || undefined
    await until('the network to stand', isUp, AbortSignal.timeout(60_000))
    assert.notDeepEqual(namespacesOf(lab), [])
    lab.kill('SIGINT')
    assert.equal((await lab.exited).code, 130, lab.transcript())
    assert.deepEqual(namespacesOf(lab), [])
  })
})

describe('what ss says of connections', () => {
  const LINE =
    'ESTAB 1448   0      10.78.1.1:9000 10.78.0.2:42512 cubic wscale:10,10 rto:204 mss:1448 bytes_sent:12 ' +
    'bytes_received:46291656 segs_out:17680 send 3994482759bps'

  it('is read as who has received how much from whom', () => {
    const read = [...connectionsIn(`${LINE}\n`)]
    assert.deepEqual(read, [{ ends: '10.78.1.1:9000 10.78.0.2:42512', from: '10.78.0.2', bytes: 46_291_656 }])
  })

  it('is passed over where nothing was received', () => {
    assert.deepEqual([...connectionsIn('SYN-SENT 0 1 10.78.1.1:9000 10.78.0.2:42512 cubic rto:1000\n')], [])
  })
})
