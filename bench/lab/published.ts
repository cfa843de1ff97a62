/** The parts of README.md and bench/results/lab.md that are made from the kept results. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import prettier from 'prettier'
import { faultTable } from './fault-table.ts'
import { pictureFile, readResults, RESULTS_DIR, type Results } from './results.ts'
import { SET, type Group } from './set.ts'
import { mixedTable, swarmTable, topologiesTables } from './tables.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BEGIN = '<!-- lab: rendered by scripts/lab from bench/results/lab -->'
const END = '<!-- end of lab -->'
const NOTHING = 'Nothing was measured yet: `scripts/lab`.'

/** Each file, as it should be. */
export async function published(): Promise<ReadonlyMap<string, string>> {
  const results = readResults(RESULTS_DIR)
  const [readme, lab] = [resolve(ROOT, 'README.md'), resolve(ROOT, 'bench/results/lab.md')]
  return new Map([
    [readme, await between(readme, results.size === 0 ? NOTHING : swarmTable('yardstick', results))],
    [lab, await between(lab, results.size === 0 ? NOTHING : allTables(results, lab))],
  ])
}

const HEADS: Readonly<Record<Group, string>> = {
  yardstick: 'The yardstick: 3 sites of 4 hosts',
  mixed: 'Stock clients mixed with ours',
  faults: 'Faults',
  shapes: 'Other shapes, our client',
  topologies: 'Topologies by chance, our client',
}

/** Every table of which something was measured; `file` is where it will stand, from which pictures are linked. */
export function allTables(results: Results, file: string): string {
  const tables: Readonly<Record<Group, () => string>> = {
    yardstick: () => swarmTable('yardstick', results),
    mixed: () => mixedTable(results),
    faults: () => faultTable(results),
    shapes: () => swarmTable('shapes', results),
    topologies: () => topologiesTables(results),
  }
  const groups = [...new Set(SET.map(({ group }) => group))].filter((group) =>
    SET.some((entry) => entry.group === group && results.has(entry.name)),
  )
  return [
    ...groups.map((group) =>
      [`### ${HEADS[group]}`, tables[group](), commandsOf(group, results)].join('\n\n'),
    ),
    ...pictures(results, file),
  ].join('\n\n')
}

/** How each row was measured, when, and beside how much other work. */
function commandsOf(group: Group, results: Results): string {
  const lines = SET.filter((entry) => entry.group === group).flatMap((entry) => {
    const runs = results.get(entry.name) ?? []
    const waits = runs.flatMap(({ machine }) => machine.cpuWaitShare ?? []).map((share) => share.toFixed(2))
    const days = [...new Set(runs.map(({ at }) => at.slice(0, 10)))].join(', ')
    if (runs.length === 0) return []
    return [
      `- \`${entry.name}\`: \`node bench/lab/main.ts ${entry.args.join(' ')}\` (${days}; CPU wait ${waits.join(', ')})`,
    ]
  })
  return lines.join('\n')
}

function pictures(results: Results, file: string): readonly string[] {
  return SET.filter((entry) => entry.hasPicture && results.has(entry.name))
    .map((entry) => pictureFile(RESULTS_DIR, entry))
    .filter((picture) => existsSync(picture))
    .map((picture) => `![${basename(picture, '.svg')}](${relative(dirname(file), picture)})`)
}

async function between(path: string, markdown: string): Promise<string> {
  const [head, rest] = readFileSync(path, 'utf8').split(BEGIN)
  const tail = rest?.split(END)[1]
  if (head === undefined || tail === undefined) throw new Error(`${path} lacks ${BEGIN} or ${END}`)
  const text = `${head}${BEGIN}\n\n${markdown}\n\n${END}${tail}`
  return await prettier.format(text, { ...(await prettier.resolveConfig(path)), parser: 'markdown' })
}
