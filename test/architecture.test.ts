/**
 * The table of docs/architecture.md, enforced: who may import whom, and through which door. Reads every file
 * of src with the compiler's parser, so that no way of importing escapes it.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, posix, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
const LINES_MAX = 300

/** What a folder of src may import from the other folders of src. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  wire: ['core'],
  platform: ['core'],
  swarm: ['core', 'wire', 'platform'],
  'portal-client': ['core', 'wire', 'platform'],
  portal: ['core', 'wire', 'platform'],
  tracker: ['core', 'wire', 'platform', 'portal-client'],
  seeder: ['core', 'wire', 'platform', 'swarm', 'portal-client'],
  client: ['core', 'wire', 'platform', 'swarm', 'portal-client'],
  gateway: ['core', 'wire', 'platform', 'swarm', 'portal-client'],
  web: ['core', 'wire'],
  cli: [
    'core',
    'wire',
    'platform',
    'portal-client',
    'swarm',
    'portal',
    'tracker',
    'seeder',
    'client',
    'gateway',
  ],
}
/** These open file by file; every other folder is entered through its index.ts. */
const OPEN_FOLDERS = new Set(['core', 'wire', 'platform'])
/** Pure folders open no socket and no file: of Node they may use arithmetic only. */
const PURE_FOLDERS = new Set(['core', 'wire'])
const PURE_MODULES = new Set(['node:buffer', 'node:crypto', 'node:util'])
/** Folder names that mean "no place was found for it". */
const NO_PLACE = /^(?:utils?|common|helpers?|misc|shared|lib)$/

interface Import {
  readonly specifier: string
}

/** Every static, dynamic and type import, re-export, and worker or asset named by `new URL`. */
function importsOf(text: string): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push({ specifier: node.text })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node)) {
      if (ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    } else if (ts.isCallExpression(node)) {
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0])
    } else if (
      ts.isNewExpression(node) &&
      node.expression.getText() === 'URL' &&
      node.arguments?.length === 2
    ) {
      const [first] = node.arguments
      if (first !== undefined && ts.isStringLiteralLike(first) && first.text.startsWith('.')) add(first)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true))
  return found
}

/** What is wrong with the imports of one file; `path` is relative to src, with `/`. */
function violationsOf(path: string, imports: readonly Import[]): string[] {
  const from = path.split('/')[0] ?? ''
  const allowed = MAY_IMPORT[from] ?? []
  return imports.flatMap(({ specifier }) => {
    const says = (rule: string): string[] => [`${path}: imports ${specifier}: ${rule}`]
    if (!specifier.startsWith('.')) {
      if (PURE_FOLDERS.has(from) && specifier.startsWith('node:') && !PURE_MODULES.has(specifier))
        return says(`${from} is pure`)
      if (from === 'web' && specifier.startsWith('node:')) return says('browsers have no Node')
      return []
    }
    const target = posix.join(posix.dirname(path), specifier)
    const to = target.split('/')[0] ?? ''
    if (to === '..') return target === '../package.json' ? [] : says('leaves src')
    if (to === from) return []
    if (!allowed.includes(to)) return says(`${from} may not import ${to}`)
    if (!OPEN_FOLDERS.has(to) && target !== `${to}/index.ts`) return says(`${to} is entered through index.ts`)
    return []
  })
}

const files = globSync('src/**/*.{ts,tsx,mts,js}', { cwd: root })
  .map((path) => path.replaceAll('\\', '/').slice('src/'.length))
  .filter((path) => !path.startsWith('portal/public/'))
  .map((path) => ({ path, text: readFileSync(resolve(root, 'src', path), 'utf8') }))

describe('the source tree', () => {
  it('is seen by this test, with its imports', () => {
    assert.ok(files.length > 50, `only ${files.length} files`)
    const imports = files.reduce((sum, { text }) => sum + importsOf(text).length, 0)
    assert.ok(imports > 2 * files.length, `only ${imports} imports`)
  })

  it('has only the folders of the architecture, with everything in one of them', () => {
    const strangers = files.filter(
      ({ path }) => !path.includes('/') || !Object.hasOwn(MAY_IMPORT, path.split('/')[0] ?? ''),
    )
    assert.deepEqual(
      strangers.map(({ path }) => path),
      [],
    )
  })

  it('imports downwards only, and through the front door', () => {
    assert.deepEqual(
      files.flatMap(({ path, text }) => violationsOf(path, importsOf(text))),
      [],
    )
  })

  it('has no file that wants to be two', () => {
    const long = files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX)
    assert.deepEqual(long, [])
  })

  it('has a place for everything', () => {
    const folders = new Set(files.flatMap(({ path }) => dirname(path).split('/')))
    assert.deepEqual(
      [...folders].filter((name) => NO_PLACE.test(name)),
      [],
    )
  })
})

describe('the check of imports', () => {
  const violations = (path: string, text: string): number => violationsOf(path, importsOf(text)).length

  it('sees every way to import', () => {
    const text = `
      import a from '../wire/a.ts'
      import type { B } from '../wire/b.ts'
      export { c } from '../wire/c.ts'
      export type * from '../wire/d.ts'
      type E = import('../wire/e.ts').E
      const f = await import('../wire/f.ts')
      new Worker(new URL('../wire/g.ts', import.meta.url))
      // import h from '../wire/h.ts'
      const s = "import i from '../wire/i.ts'"`
    assert.deepEqual(
      importsOf(text).map(({ specifier }) => specifier.at(-4)),
      'a b c d e f g'.split(' '),
    )
    assert.equal(violations('core/x.ts', text), 7)
    assert.equal(violations('portal/x.ts', text), 0)
  })

  it('refuses what goes up, sideways, through a side door, or out', () => {
    assert.equal(violations('wire/x.ts', `import '../platform/clock.ts'`), 1)
    assert.equal(violations('portal/a/x.ts', `import '../../tracker/index.ts'`), 1)
    assert.equal(violations('seeder/x.ts', `import '../client/index.ts'`), 1)
    assert.equal(violations('client/x.ts', `import '../swarm/swarm.ts'`), 1)
    assert.equal(violations('client/x.ts', `import '../swarm/index.ts'`), 0)
    assert.equal(violations('client/x.ts', `import '../../scripts/x.ts'`), 1)
    assert.equal(violations('wire/x.ts', `import 'node:fs/promises'`), 1)
    assert.equal(violations('wire/x.ts', `import 'node:crypto'`), 0)
    assert.equal(violations('web/x.ts', `import { a } from '../wire/sdp.ts'`), 0)
    assert.equal(violations('web/x.ts', `import '../platform/clock.ts'`), 1)
    assert.equal(violations('web/x.ts', `import 'node:crypto'`), 1)
    assert.equal(violations('utils/x.ts', `import '../core/ids.ts'`), 1)
  })
})
