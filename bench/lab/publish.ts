/**
 * Runs the published set and renders the tables from what was measured:
 *
 *     scripts/lab [--only NAME|GROUP[,…]] [--quick] [--render] [--out FOLDER]
 *
 * Each entry's results replace those that are kept of it, others stay: the whole takes hours and can be done in
 * parts. --render runs nothing. --quick is a try with little content, one run each, printed and not published. Ends
 * with 1 when in some run somebody was not done, bytes differ, or it broke off; then its results are not kept.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readOptions } from './options.ts'
import { allTables, published } from './published.ts'
import { dropLines, keepLine, pictureFile, readResults, RESULTS_DIR } from './results.ts'
import { GROUPS, SET, type Entry } from './set.ts'

const MAIN = resolve(import.meta.dirname, 'main.ts')
const QUICK_DIR = resolve(import.meta.dirname, '../../.cache/lab')
const QUICK = { 'size-mib': '16', topologies: '2' } as const

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const folder = resolve(values.out ?? (values.quick ? QUICK_DIR : RESULTS_DIR))
if (!values.render)
  for (const group of GROUPS) await runGroup(chosenEntries().filter((e) => e.group === group))
if (folder === RESULTS_DIR) for (const [path, text] of await published()) writeFileSync(path, text)
else console.log(allTables(readResults(folder), join(folder, 'tables.md')))

function chosenEntries(): readonly Entry[] {
  const names = values.only?.split(',')
  if (names === undefined) return SET
  const unknown = names.find((name) => !SET.some((entry) => entry.name === name || entry.group === name))
  if (unknown !== undefined)
    throw new RangeError(`--only ${unknown}: want of ${SET.map(({ name }) => name).join(', ')}, or a group`)
  return SET.filter((entry) => names.includes(entry.name) || names.includes(entry.group))
}

/** The first run of each, then the second: whatever else the machine does meanwhile befalls all alike. */
async function runGroup(entries: readonly Entry[]): Promise<void> {
  const rounds = values.quick ? 1 : Math.max(0, ...entries.map(({ runs }) => runs))
  for (let round = 0; round < rounds; round++)
    for (const entry of entries.filter(({ runs }) => runs > round)) {
      console.error(`--- ${entry.name}, run ${round + 1}`)
      await runOnce(entry, { isFirst: round === 0 })
    }
}

async function runOnce(entry: Entry, { isFirst }: { readonly isFirst: boolean }): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const args = [...entry.args]
  if (values.quick) args.push('--size-mib', QUICK['size-mib'])
  if (values.quick && entry.args.includes('--draw')) args.push('--topologies', QUICK.topologies)
  if (entry.hasPicture) args.push('--svg', pictureFile(folder, entry))
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const [code] = (await once(child, 'close')) as [number | null]
  const lines = printed.split('\n').filter((line) => line.startsWith('{'))
  const runs = lines.filter((line) => line.startsWith('{"bench":"lab",')).length
  if (code !== 0) process.exitCode = 1
  // It ends with 1 when it broke off, too. What is kept of the entry stays, and the others have their turn.
  if (runs < readOptions(args).runs.length) {
    console.error(`${entry.name} ended with ${code ?? 'a signal'} and ${runs} results: not kept`)
    return
  }
  if (isFirst) dropLines(folder, entry)
  for (const line of lines) keepLine(folder, entry, line)
}
