// Draws what stands in the table beside it, and nothing else: without this script the table is what there is.
import uPlot from '/assets/uplot.js'

const HEIGHT = 240
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

function bytesText(bytes) {
  let unit = 0
  let n = bytes
  while (n >= 1000 && unit < UNITS.length - 1) {
    n /= 1000
    unit++
  }
  return `${n >= 100 || Number.isInteger(n) ? Math.round(n) : n.toFixed(1)} ${UNITS[unit]}`
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const HOUR = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })

/** Midnight is the day that begins. */
function timeText(seconds, step) {
  return (step >= 86400 || seconds % 86400 === 0 ? DAY : HOUR).format(seconds * 1000)
}

/** Times in seconds, then a list of bytes for each column. */
function readTable(id, columns) {
  const rows = [...document.getElementById(id).rows]
  const times = rows.map((row) => Number(row.dataset.at))
  const cells = columns.map((column) => rows.map((row) => Number(row.cells[column + 1].dataset.bytes)))
  return [times, ...cells]
}

/** Half a bar more on either side. */
function aroundBars(times, min, max) {
  const half = times.length > 1 ? (times[1] - times[0]) / 2 : 1800
  return [min - half, max + half]
}

/** Each on top of those before it; the tallest is drawn first, so that the others stand before it. */
function stacked([times, ...columns]) {
  const sums = times.map(() => 0)
  const tops = columns.map((column) => column.map((bytes, i) => (sums[i] += bytes)))
  return [times, ...tops.toReversed()]
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

class Chart {
  constructor(figure) {
    this.figure = figure
    figure.chart = this
    this.columns = figure.dataset.columns.split(',').map(Number)
    this.place = document.createElement('div')
    this.place.className = 'plot'
    // A picture of the table, which is there to be read.
    this.place.setAttribute('role', 'img')
    this.place.setAttribute('aria-label', `${figure.dataset.title}: a chart of the table below`)
    this.said = document.createElement('p')
    this.said.className = 'hint under'
    figure.append(this.place, this.said)
    new ResizeObserver(() => this.resize()).observe(figure)
  }

  draw() {
    const data = readTable(this.figure.dataset.table, this.columns)
    if (this.plot !== undefined && this.plot.data[0].length === data[0].length) {
      this.data = data
      this.plot.setData(stacked(data))
      return
    }
    this.data = data
    this.begin()
  }

  begin() {
    this.plot?.destroy()
    const line = colour('--shoal-line')
    const text = colour('--shoal-quiet')
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    const bars = uPlot.paths.bars({ size: [0.8, 40] })
    const series = this.columns.toReversed().map((column) => ({
      fill: colour(`--shoal-c${column}`),
      stroke: colour(`--shoal-c${column}`),
      width: 0,
      paths: bars,
      points: { show: false },
    }))
    const options = {
      width: this.width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { range: (_u, min, max) => aroundBars(this.data[0], min, max) },
        y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.05 : 1] },
      },
      axes: [
        { ...axis, values: (_u, ticks, _axis, _space, step) => ticks.map((at) => timeText(at, step)) },
        { ...axis, size: 68, values: (_u, ticks) => ticks.map((bytes) => bytesText(bytes)) },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(plot) => this.say(plot.cursor.idx)] },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    }
    this.plot = new uPlot(options, stacked(this.data), this.place)
  }

  /** What the pointer is at, in words. */
  say(index) {
    const row = index == null ? undefined : document.getElementById(this.figure.dataset.table).rows[index]
    const names = [...this.figure.querySelectorAll('.key')].map((key) => key.textContent)
    this.said.textContent =
      row === undefined
        ? ''
        : `${row.cells[0].textContent}: ${this.columns.map((column, i) => `${row.cells[column + 1].textContent} ${names[i]}`).join(', ')}`
  }

  width() {
    return Math.max(240, Math.floor(this.figure.clientWidth))
  }

  resize() {
    if (this.plot === undefined || this.figure.clientWidth === 0) return
    if (this.plot.width !== this.width()) this.plot.setSize({ width: this.width(), height: HEIGHT })
  }
}

const charts = [...document.querySelectorAll('figure.chart')].map((figure) => new Chart(figure))
const drawAll = () => {
  for (const chart of charts) if (chart.figure.clientWidth > 0) chart.draw()
}
drawAll()
document.addEventListener('shoal:fresh', drawAll)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) if (chart.plot !== undefined) chart.begin()
})
