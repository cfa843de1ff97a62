/** The picture of a run: how far each host was when, and who sent how much to whom. Pure. */
import { element, label, line, picture, polyline, square, type Attributes } from './svg.ts'

export interface ChartHost {
  readonly name: string
  /** Counted from 0; nothing for the origin. */
  readonly site: number | undefined
  readonly isPoisoner: boolean
  /** What it had received so many seconds after the start, in copies; none for who only sends. */
  readonly progress: readonly (readonly [seconds: number, copies: number])[]
}

export interface Chart {
  readonly title: string
  /** Below the title. */
  readonly words: string
  readonly boundSeconds: number
  /** Something that happened, and when. */
  readonly marks: readonly { readonly atSeconds: number; readonly text: string }[]
  /** The origin first, then by site. */
  readonly hosts: readonly ChartHost[]
  /** Copies, by the place of the receiver, then of the sender, in `hosts`. */
  readonly sent: readonly (readonly number[])[]
}

/** By site; told apart by people who see few colours, too. Then they come again. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8c6d00', '#56b4e9', '#6a3d9a', '#b15928']
const ORIGIN_COLOUR = '#333'
const POISON_COLOUR = '#d00'
const GRID = { stroke: '#ddd', 'stroke-width': 1 }
const PLOT = { left: 44, top: 58, width: 460, height: 300 } as const
/** A host whose line is drawn through more points looks no different. */
const POINTS_MAX = 60
const MATRIX = { left: 590, top: 58, size: 300 } as const
const LEAST_COPIES_SHOWN = 0.005
/** Below this there is room for a number in each cell. */
const NUMBERED_HOSTS_MAX = 14

export function drawChart(chart: Chart): string {
  return picture(
    MATRIX.left + MATRIX.size + 20,
    PLOT.top + PLOT.height + 66,
    label(12, 20, chart.title, { 'font-size': 14, 'font-weight': 'bold' }),
    label(12, 38, chart.words),
    ...progressOf(chart),
    ...matrixOf(chart),
    ...legendOf(chart),
  )
}

const colourOf = ({ site, isPoisoner }: ChartHost): string =>
  isPoisoner ? POISON_COLOUR : site === undefined ? ORIGIN_COLOUR : (COLOURS[site % COLOURS.length] ?? '')

function* progressOf({ hosts, boundSeconds, marks }: Chart): Generator<string> {
  const all = hosts.flatMap(({ progress }) => progress)
  const seconds = Math.max(boundSeconds, ...all.map(([at]) => at), 1)
  const copies = Math.max(1.05, ...all.map(([, received]) => received))
  const x = (at: number): number => PLOT.left + (PLOT.width * at) / seconds
  const y = (received: number): number => PLOT.top + PLOT.height * (1 - received / copies)
  const bottom = y(0)
  for (const at of ticks(seconds)) {
    yield line(x(at), PLOT.top, x(at), bottom, GRID)
    yield label(x(at), bottom + 15, String(at), { 'text-anchor': 'middle' })
  }
  for (let received = 0; received <= copies; received += 0.25) {
    yield line(PLOT.left, y(received), PLOT.left + PLOT.width, y(received), GRID)
    yield label(PLOT.left - 5, y(received) + 4, String(received), { 'text-anchor': 'end' })
  }
  yield label(PLOT.left + PLOT.width, bottom + 30, 'seconds; copies received by each host', {
    'text-anchor': 'end',
  })
  for (const { atSeconds, text } of [{ atSeconds: boundSeconds, text: 'bound' }, ...marks]) {
    const dash = { stroke: '#666', 'stroke-dasharray': '4 3' }
    yield line(x(atSeconds), PLOT.top - 4, x(atSeconds), bottom, dash)
    yield label(x(atSeconds), PLOT.top - 7, text, { 'text-anchor': 'middle', 'font-size': 10 })
  }
  for (const host of hosts) {
    if (host.progress.length === 0) continue
    const points = thinnedPoints(host.progress).map(([at, received]) => [x(at), y(received)] as const)
    yield polyline(points, { fill: 'none', stroke: colourOf(host), 'stroke-width': 1.2, opacity: 0.8 })
  }
}

function* matrixOf({ hosts, sent }: Chart): Generator<string> {
  const cell = MATRIX.size / hosts.length
  const most = Math.max(...sent.flat(), 0.01)
  /** Cells of one look are one path, and numbers of one colour one group: a picture of ten kilobytes, not of thirty. */
  const paths = new Map<string, { readonly look: Attributes; d: string }>()
  const numbers: Record<'#000' | '#fff', string[]> = { '#000': [], '#fff': [] }
  for (const [row, receiver] of hosts.entries()) {
    const y = MATRIX.top + row * cell
    yield band(MATRIX.left - 8, y, 6, cell, receiver)
    yield band(MATRIX.left + row * cell, MATRIX.top - 8, cell, 6, receiver)
    for (const [column, sender] of hosts.entries()) {
      const copies = sent[row]?.[column] ?? 0
      if (copies < LEAST_COPIES_SHOWN) continue
      const x = MATRIX.left + column * cell
      const strength = Math.ceil(10 * Math.sqrt(copies / most)) / 10
      const look = { fill: colourOf(sender), 'fill-opacity': strength }
      const path = paths.get(JSON.stringify(look)) ?? { look, d: '' }
      path.d += square(x, y, cell)
      paths.set(JSON.stringify(look), path)
      if (hosts.length > NUMBERED_HOSTS_MAX || copies < 0.05) continue
      numbers[strength > 0.7 ? '#fff' : '#000'].push(label(x + cell / 2, y + cell / 2 + 3, copies.toFixed(1)))
    }
  }
  for (const { look, d } of paths.values()) yield element('path', { ...look, d })
  for (const [fill, labels] of Object.entries(numbers))
    yield element('g', { fill, 'text-anchor': 'middle', 'font-size': 8 }, ...labels)
  const frame = { fill: 'none', stroke: '#999' }
  yield element('rect', { x: MATRIX.left, y: MATRIX.top, width: MATRIX.size, height: MATRIX.size, ...frame })
  yield label(MATRIX.left, MATRIX.top + MATRIX.size + 15, 'copies: a row receives, a column sends')
}

/** The margin of the matrix: whose row or column it is. */
const band = (x: number, y: number, width: number, height: number, host: ChartHost): string =>
  element('rect', { x, y, width, height, fill: colourOf(host) })

function* legendOf({ hosts }: Chart): Generator<string> {
  const named = new Map(hosts.map((host) => [colourOf(host), nameOf(host)]))
  let x = PLOT.left
  for (const [fill, name] of named) {
    yield element('rect', { x, y: PLOT.top + PLOT.height + 44, width: 10, height: 10, fill })
    yield label(x + 14, PLOT.top + PLOT.height + 53, name)
    x += 24 + 7 * name.length
  }
}

const nameOf = ({ site, isPoisoner }: ChartHost): string =>
  isPoisoner ? 'poisoner' : site === undefined ? 'origin' : `site ${site + 1}`

/** Round numbers, about six of them. */
function ticks(most: number): readonly number[] {
  const rough = most / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step)
}

function thinnedPoints<T>(points: readonly T[]): readonly T[] {
  const each = Math.ceil(points.length / POINTS_MAX)
  return points.filter((_, i) => i % each === 0 || i === points.length - 1)
}
