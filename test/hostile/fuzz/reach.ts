/**
 * How much of a parser its inputs reached: the branches are listed from the syntax tree, V8's block coverage says
 * how often each was taken. A branch is an arm of `if`, `?:`, `&&`, `||`, `??`, `case`, `catch`, a loop's body, and
 * the missing `else`.
 *
 * Left out is what only satisfies the compiler: `bytes[i] ?? 0` where the index is known to exist, defaults of
 * destructured text that is always there, and switch clauses that call `unreachable`.
 */
import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

export interface Reach {
  readonly branches: number
  readonly reached: number
  /** `file:line what`, for who wants to reach more. */
  readonly missed: readonly string[]
}

interface Branch {
  readonly where: string
  /** Where its code begins. */
  readonly at: number
  /** It was taken when the code here ran more often than that at `at`. */
  readonly whole?: number
}

export class ReachMeter {
  readonly #session = new Session()

  /** Counts until the process ends. */
  static async start(): Promise<ReachMeter> {
    const meter = new ReachMeter()
    meter.#session.connect()
    await meter.#session.post('Profiler.enable')
    await meter.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    return meter
  }

  /** Of everything since the start or the last call. `files` below `src/`. */
  async take(files: readonly string[], beside: readonly string[]): Promise<Reach> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    const missed: string[] = []
    let branches = 0
    for (const file of files) {
      const url = new URL(`../../../src/${file}`, import.meta.url)
      const script = result.find((candidate) => candidate.url === pathToFileURL(fileURLToPath(url)).href)
      const all = branchesOf(file, readFileSync(url, 'utf8'), new Set(beside))
      branches += all.length
      for (const branch of all) if (!isReached(branch, script)) missed.push(branch.where)
    }
    return { branches, reached: branches - missed.length, missed }
  }
}

function isReached(branch: Branch, script: Profiler.ScriptCoverage | undefined): boolean {
  if (script === undefined) return false
  const count = countAt(script, branch.at)
  return branch.whole === undefined ? count > 0 : countAt(script, branch.whole) > count
}

/** V8's ranges are nested: the smallest that holds the place says how often it ran. */
function countAt(script: Profiler.ScriptCoverage, at: number): number {
  let best: Profiler.CoverageRange | undefined
  for (const { ranges } of script.functions)
    for (const range of ranges) {
      if (at < range.startOffset || at >= range.endOffset) continue
      const isSmaller =
        best === undefined || range.endOffset - range.startOffset <= best.endOffset - best.startOffset
      if (isSmaller) best = range
    }
  return best?.count ?? 0
}

function branchesOf(file: string, text: string, beside: ReadonlySet<string>): Branch[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const found: Branch[] = []
  const add = (node: ts.Node, what: string, whole?: ts.Node): void => {
    const { line } = source.getLineAndCharacterOfPosition((whole ?? node).getStart())
    found.push({
      where: `${file}:${line + 1} ${what}`,
      at: node.getStart(),
      ...(whole === undefined ? {} : { whole: whole.getStart() }),
    })
  }
  const visit = (node: ts.Node): void => {
    if (isFunction(node) && beside.has(nameOf(node))) return
    if (ts.isVariableDeclaration(node) && beside.has(node.name.getText())) return
    if (ts.isIfStatement(node)) {
      const next = statementAfter(node)
      if (node.elseStatement !== undefined) {
        add(node.thenStatement, 'if')
        add(node.elseStatement, 'else')
      } else if (next !== undefined && isJump(node.thenStatement)) {
        // V8 has no range for a bare `return`, but one for what comes after it.
        add(next, 'if', node)
        add(next, 'if not')
      } else {
        add(node.thenStatement, 'if')
        add(node.thenStatement, 'if not', node)
      }
    } else if (ts.isConditionalExpression(node)) {
      add(node.whenTrue, '?')
      add(node.whenFalse, ':')
    } else if (ts.isBinaryExpression(node) && isShortCircuit(node)) {
      add(node.right, node.operatorToken.getText())
    } else if (ts.isCaseOrDefaultClause(node)) {
      const [first] = node.statements
      if (first !== undefined && !node.getText().includes('unreachable(')) add(first, 'case')
    } else if (ts.isCatchClause(node)) {
      add(node.block, 'catch')
    } else if (ts.isIterationStatement(node, false)) {
      add(node.statement, 'loop')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function statementAfter(node: ts.IfStatement): ts.Statement | undefined {
  const { parent } = node
  if (!ts.isBlock(parent) && !ts.isSourceFile(parent)) return undefined
  return parent.statements[parent.statements.indexOf(node) + 1]
}

function isJump(statement: ts.Statement): boolean {
  const last = ts.isBlock(statement) ? statement.statements.at(-1) : statement
  return (
    last !== undefined &&
    (ts.isReturnStatement(last) ||
      ts.isThrowStatement(last) ||
      ts.isContinueStatement(last) ||
      ts.isBreakStatement(last))
  )
}

function isShortCircuit(node: ts.BinaryExpression): boolean {
  const kind = node.operatorToken.kind
  if (kind === ts.SyntaxKind.AmpersandAmpersandToken || kind === ts.SyntaxKind.BarBarToken) return true
  if (kind !== ts.SyntaxKind.QuestionQuestionToken) return false
  const isForTheCompiler = ts.isElementAccessExpression(node.left) && ts.isLiteralExpression(node.right)
  return !isForTheCompiler
}

type FunctionNode = ts.FunctionLikeDeclaration

const isFunction = (node: ts.Node): node is FunctionNode =>
  ts.isFunctionDeclaration(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isArrowFunction(node) ||
  ts.isFunctionExpression(node) ||
  ts.isConstructorDeclaration(node) ||
  ts.isGetAccessorDeclaration(node)

function nameOf(node: FunctionNode): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  return node.name?.getText() ?? ''
}
