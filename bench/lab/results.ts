/** The kept results of the published set: a file of JSON lines an entry, and its picture. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SET, type Entry } from './set.ts'
import type { Line } from './report.ts'

export const RESULTS_DIR = resolve(import.meta.dirname, '../results/lab')

/** By the name of the entry, in the order in which they ran; entries that were never run are not in it. */
export type Results = ReadonlyMap<string, readonly Line[]>

export function readResults(folder: string): Results {
  return new Map(
    SET.filter(({ name }) => existsSync(linesFile(folder, name))).map(({ name }) => [
      name,
      readFileSync(linesFile(folder, name), 'utf8').split('\n').flatMap(lineIn),
    ]),
  )
}

/** What a run printed, after what is there. */
export function keepLine(folder: string, { name }: Entry, text: string): void {
  mkdirSync(folder, { recursive: true })
  appendFileSync(linesFile(folder, name), `${text}\n`)
}

export function dropLines(folder: string, { name }: Entry): void {
  rmSync(linesFile(folder, name), { force: true })
}

export const pictureFile = (folder: string, { name }: Entry): string => join(folder, `${name}.svg`)

const linesFile = (folder: string, name: string): string => join(folder, `${name}.jsonl`)

/** Only runs: the line that sums up several is made anew from them. */
function lineIn(text: string): Line[] {
  if (text === '') return []
  const line = JSON.parse(text) as Line
  return line.bench === 'lab' ? [line] : []
}

/** The one in the middle, by when its last host was done; who was not done is last. */
export function medianOf(lines: readonly Line[]): Line | undefined {
  const rank = ({ lastOverBound }: Line): number => lastOverBound ?? Infinity
  return lines.toSorted((a, b) => rank(a) - rank(b))[lines.length >> 1]
}
