/** The tables of docs/limits.md, from src/wire/limits.ts and its parts: name, value and the comment that gives the reason. */
import ts from 'typescript'

interface Bound {
  readonly section: string
  readonly name: string
  readonly value: string
  readonly reason: string
}

/** `source`: their text; `values`: what it exports. Every bound has a row, and must give its reason. */
export function limitsManual(source: string, values: Readonly<Record<string, number>>): string {
  const bounds = boundsOf(source, values)
  const sections = [...new Set(bounds.map((bound) => bound.section))]
  return sections
    .map((section) => {
      const rows = bounds.filter((bound) => bound.section === section)
      const lines = rows.map(({ name, value, reason }) => `| \`${name}\` | ${value} | ${reason} |`)
      return [`### ${capital(section)}`, '', '| bound | value | why |', '| --- | --- | --- |', ...lines].join(
        '\n',
      )
    })
    .join('\n\n')
}

function boundsOf(source: string, values: Readonly<Record<string, number>>): Bound[] {
  const file = ts.createSourceFile('limits.ts', source, ts.ScriptTarget.Latest, true)
  const found: Bound[] = []
  let section = 'general'
  const visit = (node: ts.Node): void => {
    if (!ts.isPropertyAssignment(node)) {
      ts.forEachChild(node, visit)
      return
    }
    const before = source.slice(node.getFullStart(), node.getStart())
    section = /\/\/ --- (.+) ---/.exec(before)?.[1] ?? section
    const reason = /\/\*\*([^]*?)\*\//
      .exec(before)?.[1]
      ?.replace(/\s*\n\s*\*?\s*/g, ' ')
      .trim()
    const name = node.name.getText()
    const value = values[name]
    if (reason === undefined) throw new Error(`limits.ts gives no reason for ${name}`)
    if (value === undefined) throw new Error(`limits.ts has no value for ${name}`)
    found.push({ section, name, value: shown(value, node.initializer.getText()), reason: escaped(reason) })
  }
  visit(file)
  return found
}

/** In the unit that its expression is written in. */
function shown(value: number, expression: string): string {
  if (/\b(?:millis|seconds|minutes|hours)\(/.test(expression)) return duration(value)
  if (/\b[KMG]iB\b/.test(expression)) return size(value)
  return value.toLocaleString('en-GB')
}

function duration(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const [factor, unit] = units.find(([f]) => ms >= f && ms % f === 0) ?? ([1, 'ms'] as const)
  return `${ms / factor} ${unit}`
}

function size(bytes: number): string {
  const units = [
    [1_024 ** 3, 'GiB'],
    [1_024 ** 2, 'MiB'],
    [1_024, 'KiB'],
  ] as const
  const [factor, unit] = units.find(([f]) => bytes >= f && bytes % f === 0) ?? ([1, 'B'] as const)
  return `${bytes / factor} ${unit}`
}

const escaped = (text: string): string => text.replaceAll('|', '\\|')
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
