/** `docs/settings.md`, printed from the tables themselves; a test fails when the file differs. */
import { type Setting, type SettingsTable, variableOf } from './config.ts'

export function settingsManual(tables: Readonly<Record<string, SettingsTable>>): string {
  const sections = Object.entries(tables).map(([section, table]) =>
    [`## [${section}]`, '', ...Object.entries(table).flatMap(([key, s]) => entry(section, key, s))].join(
      '\n',
    ),
  )
  return [HEAD, ...sections].join('\n')
}

const HEAD = `# Settings

Printed from the settings tables in the code by \`node scripts/manuals.ts\`; a test fails when this file differs.

A value comes from, later ones winning: its fallback, the file \`DATA/shoal.toml\` (or that of \`$SHOAL_CONFIG\`) with a
\`[section]\` each, the environment. Where a command has a flag for the same thing, the flag wins. A list is TOML's, or
comma-separated text in the environment. Every variable also exists as \`…_FILE\`: the value is then the content of that
file. Unknown keys are errors, and all problems are told at once. Keys that end in \`Ms\` are milliseconds.
`

function entry(section: string, key: string, setting: Setting<unknown>): string[] {
  return [
    `### \`${section}.${key}\``,
    '',
    setting.help,
    '',
    `Fallback: ${fallbackOf(key, setting)}. Environment: \`${variableOf(section, key)}\`.`,
    '',
  ]
}

function fallbackOf(key: string, setting: Setting<unknown>): string {
  if (setting.fallbackText !== undefined) return setting.fallbackText
  const { fallback } = setting
  if (fallback === undefined || fallback === '') return 'none'
  if (Array.isArray(fallback)) return fallback.length === 0 ? 'none' : `\`${fallback.join(',')}\``
  if (key.endsWith('Ms') && typeof fallback === 'number') return `\`${fallback}\` (${durationText(fallback)})`
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``
}

/** In the largest unit that divides it. */
function durationText(ms: number): string {
  const units = [[86_400_000, 'days'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's']] as const // prettier-ignore
  const [factor, unit] = units.find(([f]) => ms >= f && ms % f === 0) ?? ([1, 'ms'] as const)
  return `${ms / factor} ${unit}`
}
