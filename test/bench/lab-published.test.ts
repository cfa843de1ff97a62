/** The tables of the README and of bench/results/lab.md, and what they are made of. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readOptions } from '../../bench/lab/options.ts'
import { faultTable } from '../../bench/lab/fault-table.ts'
import { allTables, published } from '../../bench/lab/published.ts'
import type { Line } from '../../bench/lab/report.ts'
import { dropLines, keepLine, medianOf, readResults, type Results } from '../../bench/lab/results.ts'
import { GROUPS, SET } from '../../bench/lab/set.ts'
import { mixedTable, swarmTable, topologiesTables } from '../../bench/lab/tables.ts'
import { worstOf } from '../../bench/lab/worst.ts'

const TIMES = {
  lastSeconds: 30,
  lastOverBound: 1.1,
  medianSeconds: 28,
  medianOverBound: 1,
  worstOverOwnBound: 1.1,
  worstOverAlone: 1.1,
}

function line(more: Partial<Line> = {}): Line {
  return {
    bench: 'lab',
    at: '2026-11-26T01:02:03.000Z',
    client: 'shoal',
    tracker: 'shoal',
    origin: 'shoal',
    seed: 1,
    isDrawn: false,
    sites: [4, 4, 4],
    sizeMiB: 64,
    files: 1,
    rates: { wanMbit: 20, lanMbit: 100, originMbit: 20, slowHostsMbit: [] },
    closedHosts: 0,
    poisoners: 0,
    lastArrivalSeconds: 0,
    boundSeconds: 26.844,
    finished: 12,
    wanted: 12,
    areBytesRight: true,
    ...TIMES,
    byClient: { shoal: TIMES },
    originCopies: 1.02,
    wanCopiesMean: 1.3,
    wanCopies: [1.3, 1.3, 1.3],
    wanOverLeastMost: 1.3,
    wanOutCopies: [1, 1, 1],
    onWire: { originCopies: 1.05, wanCopies: [1.4, 1.4, 1.4] },
    dropped: { origin: 0, wanIn: [0, 0, 0] },
    receivedCopiesMean: 1,
    wastedBytes: 0,
    longestStallSeconds: 2,
    faults: {},
    peerSeconds: [30],
    copiesFrom: {},
    peerCpuSeconds: { median: 1.25, most: 2 },
    peerPeakMiB: { median: 100, most: 120 },
    usage: { cpuSeconds: [1.25], peakMiB: [100] },
    originUsage: {},
    pace: { everyMs: 1_000, origin: [], wanIn: [], wanOut: [], cpuWait: [] },
    machine: { loadBefore: 1, loadAfter: 1, cpuWaitShare: 0.1, cpuWaitOfMost: null },
    ...more,
  }
}

const results = (of: Readonly<Record<string, readonly Line[]>>): Results => new Map(Object.entries(of))
const cellsOf = (table: string): readonly (readonly string[])[] =>
  table
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )

describe('the published set', () => {
  it('is what the README and lab.md show of the kept results (else run: scripts/lab --render)', async () => {
    const files = await published()
    assert.deepEqual(
      [...files.keys()].map((path) => basename(path)),
      ['README.md', 'lab.md'],
    )
    for (const [path, text] of files) assert.equal(readFileSync(path, 'utf8'), text, path)
  })

  it('asks of the lab only what it can do, and each name once', () => {
    assert.equal(new Set(SET.map(({ name }) => name)).size, SET.length)
    for (const { args } of SET) readOptions(args)
    for (const group of GROUPS)
      assert.ok(
        SET.some((entry) => entry.group === group),
        group,
      )
  })
})

describe('kept results', () => {
  let folder = ''
  const [entry] = SET
  assert.ok(entry !== undefined)
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'shoal-l-results-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are read as they were kept, without lines that sum up others', () => {
    keepLine(folder, entry, JSON.stringify(line()))
    keepLine(folder, entry, JSON.stringify(worstOf([line()])))
    keepLine(folder, entry, JSON.stringify(line({ seed: 2 })))
    assert.deepEqual([...readResults(folder)], [[entry.name, [line(), line({ seed: 2 })]]])
  })

  it('are gone when they are dropped', () => {
    keepLine(folder, entry, JSON.stringify(line()))
    dropLines(folder, entry)
    assert.equal(readResults(folder).size, 0)
  })

  it('are published by their median, in which who was not done comes last', () => {
    const [a, b, c] = [1.3, null, 1.1].map((lastOverBound) => line({ lastOverBound }))
    assert.ok(a !== undefined && b !== undefined && c !== undefined)
    assert.equal(medianOf([a, b, c]), a)
    assert.equal(medianOf([]), undefined)
  })
})

describe('the table of swarms', () => {
  it('has each figure with its goal, and says when it is missed', () => {
    const [row] = cellsOf(swarmTable('yardstick', results({ shoal: [line()] })))
    assert.deepEqual(row, [
      ...['Shoal', "Shoal's", '**1.10** (goal 1.15)', '**1.02** (goal 1.05)', '1.30 (goal 1.1, not met)'],
      ...['1.3', '100', '1'],
    ])
  })

  it('has the floor above all, where it was measured', () => {
    const rows = cellsOf(swarmTable('yardstick', results({ shoal: [line({ floorOverBound: 1.05 })] })))
    assert.deepEqual(rows[0]?.slice(0, 3), ['one bare TCP stream, to one host', '', '1.05'])
    assert.equal(rows.length, 2)
  })

  it('says who was not done, and whose bytes are wrong', () => {
    const table = (more: Partial<Line>): string | undefined =>
      cellsOf(swarmTable('yardstick', results({ webtorrent: [line(more)] })))[0]?.[2]
    assert.equal(table({ finished: 3, lastOverBound: null }), 'not all done, 3 of 12')
    assert.equal(table({ areBytesRight: false }), '1.10, BYTES WRONG')
  })
})

describe('the table of mixed swarms', () => {
  const among = (last: number, wan: number): Line =>
    line({ byClient: { libtorrent: { ...TIMES, lastOverBound: last }, shoal: TIMES }, wanCopiesMean: wan })

  it('compares the medians of a client among its own kind and mixed with ours', () => {
    const alone = [among(1.3, 1), among(1.2, 1.1), among(9, 9)]
    const row = (mixed: Line): readonly string[] | undefined =>
      cellsOf(mixedTable(results({ 'mix-libtorrent-alone': alone, 'mix-libtorrent': [mixed] })))[0]
    assert.deepEqual(row(among(1.4, 1.2)), ['libtorrent', '1.30', '1.40', '1.10', '1.20', '1.10', 'met', '1'])
    assert.equal(row(among(1.5, 1.2))?.[6], 'not met')
    assert.equal(row(among(1.4, 1.3))?.[6], 'not met')
  })

  it('has no row before both were measured', () => {
    assert.deepEqual(cellsOf(mixedTable(results({ 'mix-libtorrent': [line()] }))), [])
  })
})

describe('the table of faults', () => {
  const rows = (of: Readonly<Record<string, Line>>): readonly (readonly string[])[] =>
    cellsOf(faultTable(results(Object.fromEntries(Object.entries(of).map(([name, one]) => [name, [one]])))))
  const undisturbed = line({ lastSeconds: 20 })

  it('counts pieces wasted by one poisoner, and the time', () => {
    const row = (wastedBytes: number, lastSeconds: number): readonly string[] | undefined =>
      rows({ 'poison-none': undisturbed, 'poison-1-of-2': line({ wastedBytes, lastSeconds }) })[0]
    assert.deepEqual(row(100_000, 22)?.slice(2), ['12 of 12', '4 pieces, 1.10 x the time', 'met'])
    assert.equal(row(200_000, 22)?.[4], 'not met')
    assert.equal(row(0, 25)?.[4], 'not met')
  })

  it('wants everybody whole', () => {
    const row = (finished: number): string | undefined =>
      rows({ 'origin-leaves': line({ finished }) })[0]?.[4]
    assert.equal(row(12), 'met')
    assert.equal(row(11), 'not met')
  })

  it('looks for stalls when half are killed', () => {
    const row = (longestStallSeconds: number): string | undefined =>
      rows({ shoal: undisturbed, 'kill-half': line({ longestStallSeconds }) })[0]?.[4]
    assert.equal(row(30), 'met')
    assert.equal(row(31), 'not met')
  })

  it('wants sites to exchange again after a cut', () => {
    const row = (mergedAfterSeconds: number | null): string | undefined =>
      rows({ 'cut-wan': line({ mergedAfterSeconds }) })[0]?.[4]
    assert.equal(row(12), 'met')
    assert.equal(row(null), 'not met')
  })
})

describe('the tables of topologies', () => {
  it('show the worst of each figure with its seed, and every topology', () => {
    const lines = [
      line({ seed: 1, lastOverBound: 1.2, worstOverAlone: 1.6, wanOverLeastMost: 1.1 }),
      line({ seed: 2, lastOverBound: 1.3, worstOverAlone: 1.2, wanOverLeastMost: 1.2 }),
    ]
    const text = topologiesTables(results({ topologies: lines }))
    assert.match(text, /last host \/ bound \| \*\*1\.30\*\* \(goal 1\.35\) \| 2 /)
    assert.match(text, /links need for one copy \| 1\.60 \(goal 1\.5, not met\) \| 1 /)
    assert.match(text, /\n\| 1 \| 4, 4, 4 \| 1\.20 \| 1\.60 \| 1\.10 \| 1\.02 \|/)
  })

  it('show that somebody was not done', () => {
    const lines = [line({ seed: 3, lastOverBound: null, finished: 11 }), line({ seed: 4 })]
    assert.match(
      topologiesTables(results({ topologies: lines })),
      /last host \/ bound \| not all done \(goal/,
    )
    assert.equal(worstOf(lines).allDone, false)
  })
})

describe('all tables', () => {
  it('are those of which something was measured, with their commands', () => {
    const text = allTables(results({ shoal: [line()] }), '/x/lab.md')
    assert.match(text, /### The yardstick/)
    assert.match(text, /`node bench\/lab\/main\.ts --client shoal --floor` \(2026-11-26; CPU wait 0\.10\)/)
    assert.doesNotMatch(text, /### Faults/)
  })
})
