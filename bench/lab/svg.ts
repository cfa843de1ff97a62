/** The little of SVG that pictures of runs need: elements as text, escaped, coordinates in whole pixels and tenths. Pure. */

export type Attributes = Readonly<Record<string, string | number>>

export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? tenth(value) : escaped(value)}"`)
    .join('')
  return children.length === 0 ? `<${name}${text}/>` : `<${name}${text}>${children.join('')}</${name}>`
}

export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(text))
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string {
  return element('line', { x1, y1, x2, y2, ...attributes })
}

export function polyline(points: readonly (readonly [number, number])[], attributes: Attributes): string {
  return element('polyline', {
    points: points.map(([x, y]) => `${tenth(x)},${tenth(y)}`).join(' '),
    ...attributes,
  })
}

/** For the `d` of a path. */
export const square = (x: number, y: number, size: number): string =>
  `M${tenth(x)} ${tenth(y)}h${tenth(size)}v${tenth(size)}h${tenth(-size)}z`

/** A picture of its own, on white wherever it is shown. */
export function picture(width: number, height: number, ...children: readonly string[]): string {
  const view = { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` }
  const font = { 'font-family': 'sans-serif', 'font-size': 11, fill: '#333' }
  const back = element('rect', { width, height, fill: '#fff' })
  return `${element('svg', { ...view, ...font }, `\n${back}\n`, children.join('\n'), '\n')}\n`
}

const tenth = (n: number): string => String(Math.round(n * 10) / 10)

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? '')
