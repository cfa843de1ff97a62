/**
 * What can be changed in a piece of TypeScript so that a test should notice: one small mistake at a time.
 * Pure: a node of the compiler's tree goes in, texts that may stand in its place come out.
 */
import ts from 'typescript'

export interface Change {
  /** The kind of mistake, as it is printed and listed. */
  readonly kind: string
  /** The text in place of the node; empty where it is left out. */
  readonly becomes: string
}

const SWAPPED_OPERATOR: Readonly<Partial<Record<ts.SyntaxKind, string>>> = {
  [ts.SyntaxKind.LessThanToken]: '<=',
  [ts.SyntaxKind.LessThanEqualsToken]: '<',
  [ts.SyntaxKind.GreaterThanToken]: '>=',
  [ts.SyntaxKind.GreaterThanEqualsToken]: '>',
  [ts.SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [ts.SyntaxKind.ExclamationEqualsEqualsToken]: '===',
  [ts.SyntaxKind.PlusToken]: '-',
  [ts.SyntaxKind.MinusToken]: '+',
  [ts.SyntaxKind.AsteriskToken]: '/',
  [ts.SyntaxKind.SlashToken]: '*',
  [ts.SyntaxKind.AmpersandAmpersandToken]: '||',
  [ts.SyntaxKind.BarBarToken]: '&&',
}

/** Where leaving one side out is a mistake of its own. */
const HAS_DROPPABLE_SIDES: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
])

const SWAPPED_METHOD: Readonly<Record<string, string>> = {
  max: 'min',
  min: 'max',
  some: 'every',
  every: 'some',
}

/** In place of an expression. */
export function changesOfExpression(node: ts.Node): Change[] {
  return [...ofKind(node), ...asCondition(node), ...asCase(node), ...asAnswer(node)]
}

/** A statement that may be left out; a declaration may not, since nothing after it would run. */
export function changesOfStatement(node: ts.Node): Change[] {
  const isRemovable =
    ts.isExpressionStatement(node) ||
    ts.isThrowStatement(node) ||
    ts.isContinueStatement(node) ||
    (ts.isReturnStatement(node) && !isPlainEnd(node))
  return isRemovable ? [{ kind: 'left out', becomes: '' }] : []
}

/** A function that returns at once; one of a single statement has that left out already. */
export function changesOfBody(node: ts.Node): Change[] {
  const isBody =
    ts.isBlock(node) && ts.isFunctionLike(node.parent) && !ts.isConstructorDeclaration(node.parent)
  if (!isBody) return []
  const [only, ...others] = node.statements
  const isWorthIt = others.length > 0 || (only !== undefined && changesOfStatement(only).length === 0)
  return isWorthIt ? [{ kind: 'emptied', becomes: '{}' }] : []
}

function ofKind(node: ts.Node): Change[] {
  if (ts.isBinaryExpression(node)) return ofBinary(node)
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [{ kind: 'boolean', becomes: 'false' }]
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [{ kind: 'boolean', becomes: 'true' }]
  if (ts.isNumericLiteral(node)) return [{ kind: 'number', becomes: `${node.getText()} + 1` }]
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    return [{ kind: 'negation', becomes: node.operand.getText() }]
  if (ts.isConditionalExpression(node))
    return [node.whenTrue, node.whenFalse].map((way) => ({ kind: 'condition', becomes: way.getText() }))
  if (ts.isArrayLiteralExpression(node)) return ofArray(node)
  if (ts.isCallExpression(node)) return ofCall(node)
  return []
}

/** Taken always, and never. A loop that never ends would only cost time. */
function asCondition(node: ts.Node): Change[] {
  const { parent } = node
  const isCondition = (ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node
  if (!isCondition) return []
  const values = ts.isIfStatement(parent) ? ['false', 'true'] : ['false']
  return values.map((becomes) => ({ kind: 'condition', becomes }))
}

/** A case that is never met. */
function asCase(node: ts.Node): Change[] {
  const isCase = ts.isCaseClause(node.parent) && node.parent.expression === node
  return isCase ? [{ kind: 'case dropped', becomes: 'Symbol()' }] : []
}

/** The opposite, where a function says yes or no. Equalities, literals and negations have that change already. */
function asAnswer(node: ts.Node): Change[] {
  const holder = ts.findAncestor(node, ts.isFunctionLike)
  const isAnswer =
    holder?.type?.kind === ts.SyntaxKind.BooleanKeyword &&
    ((ts.isReturnStatement(node.parent) && node.parent.expression === node) ||
      (ts.isArrowFunction(node.parent) && node.parent.body === node && !ts.isBlock(node)))
  if (!isAnswer) return []
  const isChangedSo =
    ofKind(node).some((change) => change.kind === 'boolean' || change.kind === 'negation') ||
    (ts.isBinaryExpression(node) && /^[!=]==$/.test(node.operatorToken.getText()))
  return isChangedSo ? [] : [{ kind: 'answer', becomes: `!(${node.getText()})` }]
}

/** `return undefined` as the last statement of a function: what follows is the same. */
function isPlainEnd(node: ts.ReturnStatement): boolean {
  const says = node.expression?.getText() ?? 'undefined'
  const block = node.parent
  return (
    says === 'undefined' &&
    ts.isBlock(block) &&
    ts.isFunctionLike(block.parent) &&
    block.statements.at(-1) === node
  )
}

function ofBinary({ left, operatorToken, right }: ts.BinaryExpression): Change[] {
  const swapped = SWAPPED_OPERATOR[operatorToken.kind]
  const swaps =
    swapped === undefined
      ? []
      : [{ kind: 'operator', becomes: `(${left.getText()}) ${swapped} (${right.getText()})` }]
  if (!HAS_DROPPABLE_SIDES.has(operatorToken.kind)) return swaps
  return [...swaps, ...[left, right].map((side) => ({ kind: 'side dropped', becomes: side.getText() }))]
}

function ofArray({ elements }: ts.ArrayLiteralExpression): Change[] {
  return elements.map((_, dropped) => {
    const rest = elements.filter((__, i) => i !== dropped).map((element) => element.getText())
    return { kind: 'element dropped', becomes: `[${rest.join(', ')}]` }
  })
}

function ofCall(node: ts.CallExpression): Change[] {
  if (!ts.isPropertyAccessExpression(node.expression)) return []
  const { expression: object, name } = node.expression
  const swapped = Object.hasOwn(SWAPPED_METHOD, name.text) ? SWAPPED_METHOD[name.text] : undefined
  if (swapped === undefined) return []
  const given = node.arguments.map((argument) => argument.getText()).join(', ')
  return [{ kind: 'method', becomes: `${object.getText()}.${swapped}(${given})` }]
}
