/**
 * The parts of the manual that are printed from the code: the bounds in docs/limits.md and docs/settings.md.
 * `node scripts/manuals.ts` writes them; `test/manuals.test.ts` fails when one differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import prettier from 'prettier'
import { settingsTables } from '../src/cli/settings.ts'
import { settingsManual } from '../src/platform/settings-manual.ts'
import { limits } from '../src/wire/limits.ts'
import { learningLimits } from '../src/wire/limits-learning.ts'
import { mediaLimits } from '../src/wire/limits-media.ts'
import { limitsManual } from './limits-manual.ts'

const root = resolve(import.meta.dirname, '..')
const BEGIN = '<!-- bounds: printed by scripts/manuals.ts -->'
const END = '<!-- end of bounds -->'

/** Each file of the manual that is printed, as it should be. */
export async function manuals(): Promise<ReadonlyMap<string, string>> {
  const limitsFile = resolve(root, 'docs/limits.md')
  const [head, rest] = readFileSync(limitsFile, 'utf8').split(BEGIN)
  const tail = rest?.split(END)[1]
  if (head === undefined || tail === undefined) throw new Error(`docs/limits.md lacks ${BEGIN} or ${END}`)
  const sources = [
    'limits.ts',
    'limits-publishing.ts',
    'limits-figures.ts',
    'limits-watch.ts',
    'limits-media.ts',
    'limits-learning.ts',
  ].map((name) => resolve(root, 'src/wire', name))
  const source = sources.map((file) => readFileSync(file, 'utf8')).join('\n')
  const bounds = limitsManual(source, { ...limits, ...mediaLimits, ...learningLimits })
  return new Map([
    [limitsFile, await formatted(limitsFile, `${head}${BEGIN}\n\n${bounds}\n\n${END}${tail}`)],
    [resolve(root, 'docs/settings.md'), await formatted(limitsFile, settingsManual(settingsTables))],
  ])
}

async function formatted(path: string, markdown: string): Promise<string> {
  return await prettier.format(markdown, { ...(await prettier.resolveConfig(path)), parser: 'markdown' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await manuals()) writeFileSync(path, text)
}
