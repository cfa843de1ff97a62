/** Prints line coverage of each folder of src, from the summary that c8 leaves. */
import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'

interface Covered {
  readonly lines: { readonly total: number; readonly covered: number }
}

const root = resolve(import.meta.dirname, '..')
const summaryFile = resolve(root, 'coverage/coverage-summary.json')

if (existsSync(summaryFile)) {
  const folders = new Map<string, { total: number; covered: number }>()
  const summary = JSON.parse(readFileSync(summaryFile, 'utf8')) as Record<string, Covered>
  for (const [file, { lines }] of Object.entries(summary)) {
    if (file === 'total') continue
    const folder = relative(root, file).split('/').slice(0, 2).join('/')
    const sum = folders.get(folder) ?? { total: 0, covered: 0 }
    folders.set(folder, { total: sum.total + lines.total, covered: sum.covered + lines.covered })
  }
  for (const [folder, { total, covered }] of [...folders].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(
      `${folder.padEnd(20)} ${((100 * covered) / total).toFixed(1).padStart(5)} % of ${total} lines`,
    )
}
