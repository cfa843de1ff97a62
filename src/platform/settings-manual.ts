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

Printed from the settings tables in the code by \`scripts/settings-manual\`; a test fails when this file differs.

A value comes from, later ones winning: its fallback, a TOML file (\`--config FILE\` or \`$SHOAL_CONFIG\`) with a
\`[section]\` each, the environment, a flag of the command. A list is TOML's, or comma-separated text in the
environment. Every variable also exists as \`…_FILE\`: the value is then the content of that file. Unknown keys are
errors, and all problems are told at once.
`

function entry(section: string, key: string, setting: Setting<unknown>): string[] {
  return [
    `### \`${section}.${key}\``,
    '',
    setting.help,
    '',
    `Fallback: ${fallbackOf(setting)}. Environment: \`${variableOf(section, key)}\`.`,
    '',
  ]
}

function fallbackOf(setting: Setting<unknown>): string {
  if (setting.fallbackText !== undefined) return setting.fallbackText
  const { fallback } = setting
  if (fallback === undefined || fallback === '') return 'none'
  if (Array.isArray(fallback)) return fallback.length === 0 ? 'none' : `\`${fallback.join(',')}\``
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``
}
