/**
 * All mutants of a file in one text: each place that can be wrong asks which mutant is on. So the file and its
 * tests are loaded once, and a mutant costs the time of its tests only.
 */
import ts from 'typescript'
import { changesOfBody, changesOfExpression, changesOfStatement, type Change } from './mutators.ts'

export interface Mutant {
  /** The value of `globalThis.mutantOn` that turns it on; unique in a run, never 0. */
  readonly id: number
  /** From the project's root. */
  readonly file: string
  readonly line: number
  readonly kind: string
  /** What stood there, and what stands there instead, each on one line. */
  readonly was: string
  readonly becomes: string
  /** It acts while the module is loaded, so it must be on before. */
  readonly isStatic: boolean
}

export interface Instrumented {
  /** JavaScript. */
  readonly source: string
  readonly mutants: readonly Mutant[]
}

/** Pure. Ids begin at `firstId`. */
export function instrument(file: string, text: string, firstId = 1): Instrumented {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []

  /** The question that the text asks; writes the mutant down. */
  const isOn = (node: ts.Node, { kind, becomes }: Change): string => {
    const id = firstId + mutants.length
    const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
    const was = oneLine(node.getText())
    mutants.push({ id, file, line, kind, was, becomes: oneLine(becomes), isStatic: !isInFunction(node) })
    return `globalThis.mutantOn === ${id}`
  }

  const render = (node: ts.Node): string => {
    if (isOnlyForTypes(node)) return node.getText()
    let rendered = renderChildren(node)
    for (const change of changesOfStatement(node))
      rendered = `{ if (!(${isOn(node, change)})) { ${rendered} } }`
    for (const change of changesOfBody(node)) rendered = `{ if (${isOn(node, change)}) return; ${rendered} }`
    for (const change of changesOfExpression(node))
      rendered = `(${isOn(node, change)} ? (${change.becomes}) : (${rendered}))`
    return rendered
  }

  const renderChildren = (node: ts.Node): string => {
    let out = ''
    let at = node.getStart()
    ts.forEachChild(node, (child) => {
      out += text.slice(at, child.getStart()) + render(child)
      at = child.end
    })
    return out + text.slice(at, node.end)
  }

  return { source: javaScriptOf(renderChildren(tree)), mutants }
}

function isOnlyForTypes(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  )
}

function isInFunction(node: ts.Node): boolean {
  const holder = ts.findAncestor(
    node.parent,
    (above) => ts.isFunctionLike(above) || (ts.isPropertyDeclaration(above) && !isStaticMember(above)),
  )
  return holder !== undefined
}

function isStaticMember(node: ts.PropertyDeclaration): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.StaticKeyword) === true
}

function javaScriptOf(text: string): string {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    },
  })
  return outputText
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
