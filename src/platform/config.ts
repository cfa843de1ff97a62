/**
 * Settings. One table a role; the table is its manual (`docs/settings.md`). Sources, later ones win:
 * fallback, TOML file, `SHOAL_*` environment (`*_FILE` reads the value from a file), flags. Unknown keys are
 * errors, all problems are told at once, nothing is repaired silently, the result is frozen.
 */
import { parse as parseToml } from 'smol-toml'
import { messageOf, ShoalError } from '../core/errors.ts'
import { KiB, MiB } from '../core/units.ts'
import { readFileBounded } from './files.ts'

export interface Setting<T> {
  /** Of the text that stands in the environment, a flag or (as text) the file. Throws what is wrong with it. */
  readonly parse: (text: string) => T
  readonly fallback: T
  /** A sentence or two for the operator: what it does, what a change costs. */
  readonly help: string
  /** Its value is shown nowhere. */
  readonly isSecret?: boolean
  /** What the manual shows when the fallback does not say it well. */
  readonly fallbackText?: string
}

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>
export type SettingsOf<T extends SettingsTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never
}

/** A value with the place it stood in, for error messages. */
interface Given {
  readonly text: string
  readonly where: string
}

/**
 * One table from texts; what is absent takes its fallback.
 * @throws ShoalError `bad-usage` that lists every problem, a line each.
 */
export function readConfig<T extends SettingsTable>(
  table: T,
  source: Readonly<Record<string, string | undefined>>,
): SettingsOf<T> {
  const problems: string[] = []
  const given = new Map<string, Given>()
  for (const [key, text] of Object.entries(source)) {
    if (text !== undefined) given.set(key, { text, where: key })
  }
  const result = readTable(table, given, problems)
  failIfAny(problems)
  return result
}

export interface ConfigSources {
  /** A TOML file with a `[section]` for each table. */
  readonly file?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** By `section.key`; undefined ones were not given. */
  readonly flags?: Readonly<Record<string, string | undefined>>
}

/** `SHOAL_*` variables that are no settings: the command line's, the launcher's and the tests'. */
const OTHER_VARIABLES = new Set(
  ['DATA', 'PORTAL', 'TOKEN', 'TOKEN_FILE', 'CONFIG', 'REQUIRE_ALL', 'LONG'].map((n) => `SHOAL_${n}`),
)
const CONFIG_BYTES_MAX = 1 * MiB
const SECRET_BYTES_MAX = 64 * KiB

/**
 * Every table of `tables` (its key there is its section) from all sources.
 * @throws ShoalError `bad-usage` that lists every problem; `not-found` for a missing file.
 */
export async function loadSettings<T extends Readonly<Record<string, SettingsTable>>>(
  tables: T,
  sources: ConfigSources,
): Promise<{ readonly [S in keyof T]: SettingsOf<T[S]> }> {
  const problems: string[] = []
  const given = new Map<string, Given>()
  if (sources.file !== undefined) await takeFile(sources.file, given, problems)
  await takeEnvironment(tables, sources.env ?? {}, given, problems)
  for (const [path, text] of Object.entries(sources.flags ?? {})) {
    if (text !== undefined) given.set(path, { text, where: `the flag for ${path}` })
  }
  const result: Record<string, unknown> = {}
  for (const [section, table] of Object.entries(tables)) {
    const own = new Map<string, Given>()
    for (const [path, value] of given) {
      if (!path.startsWith(`${section}.`)) continue
      own.set(path.slice(section.length + 1), value)
      given.delete(path)
    }
    result[section] = readTable(table, own, problems)
  }
  for (const [path, { where }] of given) problems.push(`${where}: there is no setting ${path}`)
  failIfAny(problems)
  return Object.freeze(result) as { readonly [S in keyof T]: SettingsOf<T[S]> }
}

function readTable<T extends SettingsTable>(
  table: T,
  given: ReadonlyMap<string, Given>,
  problems: string[],
): SettingsOf<T> {
  const result: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(table)) {
    const value = given.get(key)
    if (value === undefined) {
      result[key] = setting.fallback
      continue
    }
    try {
      result[key] = setting.parse(value.text)
    } catch (error) {
      problems.push(`${value.where}: ${setting.isSecret === true ? 'not valid' : messageOf(error)}`)
    }
  }
  for (const [key, { where }] of given) {
    if (!Object.hasOwn(table, key)) problems.push(`${where}: there is no such setting`)
  }
  return Object.freeze(result) as SettingsOf<T>
}

function failIfAny(problems: readonly string[]): void {
  if (problems.length > 0)
    throw new ShoalError('bad-usage', ['the settings are wrong:', ...problems].join('\n  '))
}

async function takeFile(file: string, given: Map<string, Given>, problems: string[]): Promise<void> {
  let root: Record<string, unknown>
  try {
    root = parseToml(Buffer.from(await readFileBounded(file, CONFIG_BYTES_MAX)).toString('utf8'))
  } catch (error) {
    if (error instanceof ShoalError) throw error
    problems.push(`${file}: ${messageOf(error).split('\n')[0] ?? 'not TOML'}`)
    return
  }
  for (const [section, values] of Object.entries(root)) {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      problems.push(`${file}: ${section} must stand under a [section]`)
      continue
    }
    for (const [key, value] of Object.entries(values)) {
      const text = textOfToml(value)
      if (text === undefined)
        problems.push(`${file}: ${section}.${key} must be a text, number, true, false or a list of these`)
      else given.set(`${section}.${key}`, { text, where: `${file}: ${section}.${key}` })
    }
  }
}

/** Scalars as they are typed; a list as the same joined by commas, as in the environment. */
function textOfToml(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  if (!Array.isArray(value)) return undefined
  const parts = value.map((item: unknown) => (Array.isArray(item) ? undefined : textOfToml(item)))
  return parts.some((part) => part === undefined) ? undefined : parts.join(',')
}

/** `tracker.announceIntervalMs` is `SHOAL_TRACKER_ANNOUNCE_INTERVAL_MS`. */
export function variableOf(section: string, key: string): string {
  return `SHOAL_${section}_${key}`
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/-/g, '_')
    .toUpperCase()
}

async function takeEnvironment(
  tables: Readonly<Record<string, SettingsTable>>,
  env: Readonly<Record<string, string | undefined>>,
  given: Map<string, Given>,
  problems: string[],
): Promise<void> {
  const paths = new Map<string, string>()
  for (const [section, table] of Object.entries(tables)) {
    for (const key of Object.keys(table)) paths.set(variableOf(section, key), `${section}.${key}`)
  }
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('SHOAL_') || value === undefined || OTHER_VARIABLES.has(name)) continue
    const path = paths.get(name)
    const pathOfFile = name.endsWith('_FILE') ? paths.get(name.slice(0, -'_FILE'.length)) : undefined
    if (path !== undefined) {
      if (env[`${name}_FILE`] !== undefined) problems.push(`${name}: set it or ${name}_FILE, not both`)
      given.set(path, { text: value, where: name })
    } else if (pathOfFile !== undefined) {
      try {
        const bytes = await readFileBounded(value, SECRET_BYTES_MAX)
        given.set(pathOfFile, { text: Buffer.from(bytes).toString('utf8').trim(), where: name })
      } catch (error) {
        problems.push(`${name}: ${messageOf(error)}`)
      }
    } else {
      problems.push(`${name}: there is no such setting`)
    }
  }
}
