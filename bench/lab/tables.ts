/** The tables that are made of results. Pure; a row of which nothing was measured is not there. */
import { medianOf, type Results } from './results.ts'
import type { Line } from './report.ts'
import { SET, type Entry, type Goals, type Group } from './set.ts'
import { worstOf } from './worst.ts'

export type Row = readonly string[]

export function markdownTable(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** How near a client came to the best, one line each. */
export function swarmTable(group: Group, results: Results): string {
  const rows = measured(group, results).map(({ entry, line, runs }) => [
    entry.what,
    ...(group === 'yardstick' ? [line.tracker === 'shoal' ? "Shoal's" : 'opentracker, the same client'] : []),
    withGoal(line.lastOverBound, entry.goals.lastOverBound) + doneOf(line),
    withGoal(line.originCopies, entry.goals.originCopies),
    withGoal(line.wanCopiesMean, entry.goals.wanCopies),
    line.peerCpuSeconds === null ? '' : line.peerCpuSeconds.median.toFixed(1),
    line.peerPeakMiB === null ? '' : String(line.peerPeakMiB.median),
    String(runs),
  ])
  const floor = results
    .get('shoal')
    ?.find(({ floorOverBound }) => floorOverBound !== undefined)?.floorOverBound
  if (group === 'yardstick' && floor !== undefined)
    rows.unshift(['one bare TCP stream, to one host', '', figure(floor), '', '', '', '', '1'])
  const head = group === 'yardstick' ? ['hosts run', 'tracker and origin'] : ['swarm']
  return markdownTable(
    [...head, 'last / bound', 'origin copies', 'WAN copies a site', 'CPU s a host', 'MiB a host', 'runs'],
    rows,
  )
}

/** Stock clients among themselves, and with ours: each with the median of its runs. */
export function mixedTable(results: Results): string {
  const rows = measured('mixed', results).flatMap(({ entry, runs }) => {
    const alone = results.get(`${entry.name}-alone`)
    if (alone === undefined) return []
    const lines = results.get(entry.name) ?? []
    const last = (of: readonly Line[]): number | null =>
      middle(of.map((line) => line.byClient[entry.what]?.lastOverBound))
    const wan = (of: readonly Line[]): number | null => middle(of.map((line) => line.wanCopiesMean))
    const pairs = [[last(alone), last(lines)] as const, [wan(alone), wan(lines)] as const]
    const isMet = pairs.every(([a, b]) => a !== null && b !== null && b <= 1.1 * a)
    const ours = middle(lines.map((line) => line.byClient.shoal?.lastOverBound))
    return [[entry.what, ...pairs.flat().map(figure), figure(ours), met(isMet), String(runs)]]
  })
  return markdownTable(
    [
      ...['stock client', 'last / bound alone', 'mixed', 'WAN copies alone', 'mixed', "last of Shoal's"],
      ...['mixed within 10 %', 'runs'],
    ],
    rows,
  )
}

/** The worst of the topologies, and each of them. */
export function topologiesTables(results: Results): string {
  const lines = results.get('topologies') ?? []
  const [entry] = SET.filter(({ name }) => name === 'topologies')
  if (lines.length === 0 || entry === undefined) return ''
  const worst = worstOf(lines)
  const row = (what: string, { most, seed }: { most: number | null; seed: number }, goal?: number): Row => [
    what,
    withGoal(most, goal),
    String(seed),
  ]
  const summary = [
    row('last host / bound', worst.lastOverBound, entry.goals.lastOverBound),
    row('any host / what its links need for one copy', worst.worstOverAlone, entry.goals.worstOverAlone),
    row('any host / its own bound', worst.worstOverOwnBound),
    row('copies into a site / the least that it needs', worst.wanOverLeast, entry.goals.wanCopies),
    row('origin copies', worst.originCopies),
  ]
  const each = lines.map((line) => [
    String(line.seed),
    line.sites.join(', '),
    figure(line.lastOverBound) + doneOf(line),
    figure(line.worstOverAlone),
    figure(line.wanOverLeastMost),
    figure(line.originCopies),
  ])
  return [
    markdownTable([`the worst of ${lines.length}`, 'figure', 'seed'], summary),
    markdownTable(['seed', 'hosts a site', 'last', 'any alone', 'WAN', 'origin'], each),
  ].join('\n\n')
}

export interface Measured {
  readonly entry: Entry
  readonly line: Line
  readonly runs: number
}

export function measured(group: Group, results: Results): readonly Measured[] {
  return SET.filter((entry) => entry.group === group).flatMap((entry) => {
    const lines = results.get(entry.name) ?? []
    const line = medianOf(lines)
    return line === undefined ? [] : [{ entry, line, runs: lines.length }]
  })
}

export const figure = (value: number | null | undefined): string => value?.toFixed(2) ?? 'not all done'
export const met = (isMet: boolean): string => (isMet ? 'met' : 'not met')

/** The figure, with its goal and whether it is met where there is one. */
export function withGoal(value: number | null, goal: Goals[keyof Goals]): string {
  if (goal === undefined) return figure(value)
  const isMet = value !== null && value <= goal
  return isMet ? `**${figure(value)}** (goal ${goal})` : `${figure(value)} (goal ${goal}, not met)`
}

function doneOf({ finished, wanted, areBytesRight }: Line): string {
  if (!areBytesRight) return ', BYTES WRONG'
  return finished === wanted ? '' : `, ${finished} of ${wanted}`
}

function middle(values: readonly (number | null | undefined)[]): number | null {
  const sorted = values.map((value) => value ?? Infinity).toSorted((a, b) => a - b)
  const found = sorted[sorted.length >> 1]
  return found === undefined || !Number.isFinite(found) ? null : found
}
