/** `record-long-run.ts FIGURES SUMMARY`: keeps what a long run showed as bench/results/DATE-TIME-long.json. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'

const [figuresFile = '', summary = ''] = process.argv.slice(2)
const root = resolve(import.meta.dirname, '..')
const date = new Date().toISOString()
const figures: unknown[] = readFileSync(figuresFile, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): unknown => JSON.parse(line))
const record = {
  date,
  commit: git('rev-parse', 'HEAD'),
  isCommitted: git('status', '--porcelain', '--untracked-files=no') === '',
  node: process.version,
  cpus: cpus().length,
  fuzzRuns: Number(process.env.FUZZ_RUNS),
  summary,
  figures,
}
mkdirSync(join(root, 'bench/results'), { recursive: true })
// With the minute (UTC): a run of some files does not overwrite the record of others.
const name = `${date.slice(0, 16).replace(':', '')}-long.json`
const path = join(root, 'bench/results', name)
writeFileSync(path, `${JSON.stringify(record, undefined, 2)}\n`)
console.log(`recorded ${path}`)

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
}
