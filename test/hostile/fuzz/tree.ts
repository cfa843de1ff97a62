/**
 * Bencode and JSON as one loose tree, which can hold and write what neither format allows: a key twice, keys
 * out of order, a number that is none. Mutations of it get past the framing far more often than flipped bits.
 */
import { pick, type Random } from '../../../src/core/random.ts'
import { type BencodeDict, type BencodeValue, bytesOfKey, decodeBencode } from '../../../src/wire/bencode.ts'
import { numbersNear, STRINGS } from './odd-values.ts'

export type Tree =
  /** Numbers, and for JSON `true`, `false`, `null`: written as they are. */
  | { kind: 'atom'; text: string }
  | { kind: 'string'; bytes: Uint8Array }
  | { kind: 'list'; items: Tree[] }
  | { kind: 'dict'; entries: [key: Uint8Array, value: Tree][]; isSorted: boolean }

export type TreeFormat = 'bencode' | 'json'

export function readTree(bytes: Uint8Array, format: TreeFormat): Tree {
  return format === 'bencode'
    ? treeOfBencode(decodeBencode(bytes))
    : treeOfJson(JSON.parse(Buffer.from(bytes).toString()))
}

export function writeTree(tree: Tree, format: TreeFormat): Uint8Array {
  const parts: Uint8Array[] = []
  if (format === 'bencode') writeBencode(tree, parts)
  else writeJson(tree, parts)
  return new Uint8Array(Buffer.concat(parts))
}

function treeOfBencode(value: BencodeValue): Tree {
  if (typeof value === 'number') return { kind: 'atom', text: String(value) }
  if (value instanceof Uint8Array) return { kind: 'string', bytes: value }
  if (isDict(value)) {
    const entries = [...value].map(([key, item]): [Uint8Array, Tree] => [
      bytesOfKey(key),
      treeOfBencode(item),
    ])
    return { kind: 'dict', entries, isSorted: true }
  }
  return { kind: 'list', items: value.map(treeOfBencode) }
}

const isDict = (value: BencodeValue): value is BencodeDict => value instanceof Map

function treeOfJson(value: unknown): Tree {
  if (typeof value === 'string') return { kind: 'string', bytes: Buffer.from(value) }
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOfJson) }
  if (typeof value !== 'object' || value === null) return { kind: 'atom', text: String(value) }
  const entries = Object.entries(value).map(([key, item]): [Uint8Array, Tree] => [
    Buffer.from(key),
    treeOfJson(item),
  ])
  return { kind: 'dict', entries, isSorted: false }
}

function writeBencode(tree: Tree, out: Uint8Array[]): void {
  const say = (text: string): void => void out.push(Buffer.from(text))
  switch (tree.kind) {
    case 'atom':
      say(`i${tree.text}e`)
      return
    case 'string':
      say(`${tree.bytes.length}:`)
      out.push(tree.bytes)
      return
    case 'list':
      say('l')
      for (const item of tree.items) writeBencode(item, out)
      say('e')
      return
    case 'dict':
      say('d')
      for (const [key, value] of tree.isSorted
        ? tree.entries.toSorted(([a], [b]) => Buffer.compare(a, b))
        : tree.entries) {
        writeBencode({ kind: 'string', bytes: key }, out)
        writeBencode(value, out)
      }
      say('e')
      return
  }
}

function writeJson(tree: Tree, out: Uint8Array[]): void {
  const say = (text: string): void => void out.push(Buffer.from(text))
  switch (tree.kind) {
    case 'atom':
      say(tree.text)
      return
    case 'string':
      say(JSON.stringify(Buffer.from(tree.bytes).toString()))
      return
    case 'list':
    case 'dict': {
      const items = tree.kind === 'list' ? tree.items : tree.entries
      say(tree.kind === 'list' ? '[' : '{')
      items.forEach((item, i) => {
        if (i > 0) say(',')
        if (!Array.isArray(item)) {
          writeJson(item, out)
          return
        }
        say(`${JSON.stringify(Buffer.from(item[0]).toString())}:`)
        writeJson(item[1], out)
      })
      say(tree.kind === 'list' ? ']' : '}')
      return
    }
  }
}

export interface TreeWords {
  readonly words: readonly string[]
  /** Other valid trees, to take parts from. */
  readonly others: readonly Tree[]
}

/** Where a tree hangs: reading and replacing it. */
interface Place {
  readonly tree: Tree
  readonly replace: (tree: Tree) => void
  readonly remove?: () => void
  readonly repeat?: (times: number) => void
  readonly rename?: (key: Uint8Array) => void
}

/** One change somewhere in the tree, which is changed in place; the root may be replaced. */
export function changeTree(root: Tree, random: Random, { words, others }: TreeWords): Tree {
  let top = root
  const places = placesOf({ tree: root, replace: (tree) => (top = tree) })
  const place = pick(places, random)
  if (place === undefined) return root
  const word = (): Uint8Array =>
    random() < 0.6 ? Buffer.from(pick(words, random) ?? '') : (pick(STRINGS, random) ?? new Uint8Array())
  const chance = random()
  if (chance < 0.3) place.replace(oddValue(place.tree, random, word))
  else if (chance < 0.42) (place.remove ?? noop)()
  else if (chance < 0.52) (place.repeat ?? noop)(random() < 0.8 ? 1 : Math.floor(random() * 80))
  else if (chance < 0.62) (place.rename ?? noop)(word())
  else if (chance < 0.72) place.replace(anyValue(random, word))
  else if (chance < 0.84) {
    const other = pick(others, random)
    const part = other && pick(placesOf({ tree: other, replace: noop }), random)
    if (part !== undefined) place.replace(copyOf(part.tree))
  } else if (chance < 0.9) addEntry(place.tree, random, word)
  else if (chance < 0.94) place.replace(wrapped(place.tree, random))
  else if (place.tree.kind === 'dict') {
    place.tree.isSorted = random() < 0.5
    place.tree.entries.reverse()
  }
  return top
}

/** Byte strings are shared: they are replaced, never written to. */
export function copyOf(tree: Tree): Tree {
  switch (tree.kind) {
    case 'atom':
    case 'string':
      return { ...tree }
    case 'list':
      return { kind: 'list', items: tree.items.map(copyOf) }
    case 'dict':
      return { ...tree, entries: tree.entries.map(([key, value]) => [key, copyOf(value)]) }
  }
}

const noop = (): void => undefined

function placesOf(root: Place): Place[] {
  const places = [root]
  for (let i = 0; i < places.length && i < 2_000; i++) {
    const tree = places[i]?.tree
    if (tree?.kind === 'list')
      tree.items.forEach((item, at) =>
        places.push({
          tree: item,
          replace: (other) => (tree.items[at] = other),
          remove: () => tree.items.splice(at, 1),
          repeat: (times) => tree.items.push(...Array.from({ length: times }, () => copyOf(item))),
        }),
      )
    if (tree?.kind === 'dict')
      tree.entries.forEach((entry, at) =>
        places.push({
          tree: entry[1],
          replace: (other) => (entry[1] = other),
          remove: () => tree.entries.splice(at, 1),
          repeat: () => tree.entries.push(entry),
          rename: (key) => (entry[0] = key),
        }),
      )
  }
  return places
}

/** Of the same kind, but an odd one. */
function oddValue(tree: Tree, random: Random, word: () => Uint8Array): Tree {
  switch (tree.kind) {
    case 'atom':
      return { kind: 'atom', text: pick(numbersNear(Number(tree.text)), random) ?? '' }
    case 'string': {
      if (random() < 0.5) return { kind: 'string', bytes: word() }
      const cut = Math.floor(random() * (tree.bytes.length + 1))
      const more = random() < 0.5 ? word() : new Uint8Array()
      return { kind: 'string', bytes: Buffer.concat([tree.bytes.subarray(0, cut), more]) }
    }
    case 'list':
      return { kind: 'list', items: [] }
    case 'dict':
      return { kind: 'dict', entries: [], isSorted: true }
  }
}

function anyValue(random: Random, word: () => Uint8Array): Tree {
  const values: readonly Tree[] = [
    { kind: 'atom', text: pick(numbersNear(0), random) ?? '0' },
    { kind: 'string', bytes: word() },
    { kind: 'list', items: [] },
    { kind: 'list', items: [{ kind: 'string', bytes: word() }] },
    { kind: 'dict', entries: [], isSorted: true },
    { kind: 'dict', entries: [[word(), { kind: 'atom', text: '1' }]], isSorted: true },
    { kind: 'atom', text: 'null' },
    { kind: 'atom', text: 'true' },
  ]
  return pick(values, random) ?? { kind: 'atom', text: '0' }
}

function addEntry(tree: Tree, random: Random, word: () => Uint8Array): void {
  if (tree.kind === 'dict') tree.entries.push([word(), anyValue(random, word)])
  if (tree.kind === 'list') tree.items.push(anyValue(random, word))
}

function wrapped(tree: Tree, random: Random): Tree {
  let outer = tree
  for (let depth = Math.floor(random() * (random() < 0.5 ? 3 : 40)); depth >= 0; depth--)
    outer = { kind: 'list', items: [outer] }
  return outer
}
