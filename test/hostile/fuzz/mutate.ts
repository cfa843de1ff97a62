/**
 * Inputs for fuzz targets: valid ones, changed in one to three places, mostly along the structure of their format.
 * Everything is drawn from one seeded source of chance, so a run can be repeated by its seed.
 */
import { pick, type Random } from '../../../src/core/random.ts'
import { numbersNear, STRINGS } from './odd-values.ts'
import { changeTree, copyOf, readTree, type Tree, type TreeFormat, writeTree } from './tree.ts'

/**
 * How inputs are built: `query` of pairs `a=b&c=d`, `words` of words and what is between them, `frames` of
 * messages with four bytes of length in front, `jws` of three parts of base64url, `records` of fixed bytes.
 */
export type Dialect = TreeFormat | 'query' | 'words' | 'frames' | 'jws' | 'records'

export interface Mutator {
  next(): Uint8Array
}

interface Seeds {
  readonly bytes: readonly Uint8Array[]
  readonly words: readonly string[]
  readonly random: Random
}

type Change = (input: Uint8Array) => Uint8Array

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

export function mutator(dialect: Dialect, seeds: Seeds): Mutator {
  const { random } = seeds
  const structured = changeOf(dialect, seeds)
  return {
    next() {
      const from = pick(seeds.bytes, random) ?? new Uint8Array()
      const change = random() < 0.75 ? structured : (input: Uint8Array) => changeBytes(input, seeds)
      let input = from
      for (let left = 1 + Math.floor(random() * 3); left > 0; left--) input = change(input)
      return input
    },
  }
}

function changeOf(dialect: Dialect, seeds: Seeds): Change {
  switch (dialect) {
    case 'bencode':
    case 'json': {
      const trees = new Map<Uint8Array, Tree>()
      for (const bytes of seeds.bytes) {
        const tree = treeOrNone(bytes, dialect)
        if (tree !== undefined) trees.set(bytes, tree)
      }
      const others = [...trees.values()]
      return (input) => {
        const known = trees.get(input)
        const tree = known === undefined ? treeOrNone(input, dialect) : copyOf(known)
        if (tree === undefined) return changeBytes(input, seeds)
        return writeTree(changeTree(tree, seeds.random, { words: seeds.words, others }), dialect)
      }
    }
    case 'query':
      return (input) => changeQuery(input, seeds)
    case 'words':
      return (input) => changeWords(input, seeds)
    case 'frames':
      return (input) => changeFrames(input, seeds)
    case 'jws':
      return (input) => changeJws(input, seeds)
    case 'records':
      return (input) => (seeds.random() < 0.6 ? setByte(input, seeds.random) : changeBytes(input, seeds))
  }
}

function treeOrNone(bytes: Uint8Array, format: TreeFormat): Tree | undefined {
  try {
    return readTree(bytes, format)
  } catch {
    return undefined // a hostile one, or the change before this one was to the framing
  }
}

function changeBytes(input: Uint8Array, { random, bytes, words }: Seeds): Uint8Array {
  const at = Math.floor(random() * (input.length + 1))
  const count = 1 + Math.floor(random() * 12)
  const kind = Math.floor(random() * 8)
  if (kind <= 1) return setByte(input, random)
  if (kind === 2)
    return join(input.subarray(0, at), Buffer.from(pick(words, random) ?? ''), input.subarray(at))
  if (kind === 3) return join(input.subarray(0, at), input.subarray(at + count))
  if (kind === 4) return join(input.subarray(0, at + count), input.subarray(at))
  if (kind === 5) return input.slice(0, at)
  if (kind === 6) {
    const word = pick(STRINGS, random) ?? new Uint8Array()
    return join(input.subarray(0, at), word, input.subarray(at))
  }
  const other = pick(bytes, random) ?? input
  return join(input.subarray(0, at), other.subarray(Math.floor(random() * other.length)))
}

/** The length stays. */
function setByte(input: Uint8Array, random: Random): Uint8Array {
  const copy = new Uint8Array(input)
  const at = Math.floor(random() * copy.length)
  const old = copy[at]
  if (old !== undefined) copy[at] = random() < 0.5 ? old ^ (1 << Math.floor(random() * 8)) : random() * 256
  return copy
}

function changeQuery(input: Uint8Array, seeds: Seeds): Uint8Array {
  const { random } = seeds
  const text = latin1(input)
  const begin = text.indexOf('?') + 1
  const pairs = text.slice(begin).split('&')
  const at = Math.floor(random() * pairs.length)
  const [name, value] = splitOnce(pairs[at] ?? '')
  const odd = oddWord(value, seeds)
  const kind = Math.floor(random() * 8)
  if (kind === 0) pairs.splice(at, 1)
  else if (kind === 1) pairs.push(pairs[at] ?? '')
  else if (kind === 2) pairs[at] = `${pick(seeds.words, random) ?? ''}=${value}`
  else if (kind === 3) pairs[at] = name
  else if (kind === 4) pairs.push(`${pick(seeds.words, random) ?? ''}=${odd}`)
  else if (kind === 5) pairs[at] = `${name}=${latin1(changeBytes(Buffer.from(value, 'latin1'), seeds))}`
  else pairs[at] = `${name}=${odd}`
  return Buffer.from(text.slice(0, begin) + pairs.join('&'), 'latin1')
}

function splitOnce(pair: string): [string, string] {
  const cut = pair.indexOf('=')
  return cut === -1 ? [pair, ''] : [pair.slice(0, cut), pair.slice(cut + 1)]
}

function oddWord(old: string, { random, words }: Seeds): string {
  const chance = random()
  if (chance < 0.35) return pick(numbersNear(Number(old)), random) ?? ''
  if (chance < 0.7) return pick(words, random) ?? ''
  const bytes = pick(STRINGS, random) ?? new Uint8Array()
  return chance < 0.85 ? latin1(bytes) : encodeURIComponent(Buffer.from(bytes).toString())
}

function changeWords(input: Uint8Array, seeds: Seeds): Uint8Array {
  const { random } = seeds
  const tokens = latin1(input).split(/([^A-Za-z0-9_]+)/)
  const at = Math.floor(random() * tokens.length)
  const kind = Math.floor(random() * 6)
  if (kind === 0) tokens.splice(at, 1 + Math.floor(random() * 3))
  else if (kind === 1) tokens.splice(at, 0, ...tokens.slice(at, at + 1 + Math.floor(random() * 4)))
  else if (kind === 2) tokens.splice(at, 0, oddWord('', seeds))
  else tokens[at] = oddWord(tokens[at] ?? '', seeds)
  return Buffer.from(tokens.join(''), 'latin1')
}

const U32 = [
  0, 1, 5, 9, 13, 0x3fff, 0x4000, 0x4001, 0x4009, 0x20_000, 0x10_0000, 0x10_0001, 0x7fff_ffff, 0x8000_0000,
  0xffff_ffff,
]

function changeFrames(input: Uint8Array, seeds: Seeds): Uint8Array {
  const { random } = seeds
  const frames = framesOf(input)
  const at = Math.floor(random() * frames.length)
  const frame = Buffer.from(frames[at] ?? new Uint8Array(4))
  const kind = Math.floor(random() * 7)
  if (kind === 0) frames.splice(at, 1)
  else if (kind === 1) frames.splice(at, 0, frame)
  else if (kind === 2 && frame.length >= 4) frame.writeUInt32BE(pick(U32, random) ?? 0, 0)
  else if (kind === 3 && frame.length > 4) frame[4] = random() < 0.5 ? random() * 24 : random() * 256
  else if (kind === 4 && frame.length >= 9)
    frame.writeUInt32BE(
      pick(U32, random) ?? 0,
      5 + 4 * Math.floor(random() * Math.floor((frame.length - 5) / 4)),
    )
  else {
    // The body changes and the length with it: the frame is right, what is in it is not.
    const body = changeBytes(frame.subarray(4), seeds)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    frames[at] = join(length, body)
    return join(...frames)
  }
  if (kind >= 2) frames[at] = frame
  return join(...frames)
}

function framesOf(input: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(input)
  const frames: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at < 4 ? 0 : bytes.readUInt32BE(at)
    const end = Math.min(bytes.length, at + 4 + length)
    frames.push(bytes.subarray(at, end))
    at = end
  }
  return frames
}

function changeJws(input: Uint8Array, seeds: Seeds): Uint8Array {
  const { random, bytes } = seeds
  const parts = latin1(input).split('.')
  const at = Math.floor(random() * parts.length)
  const part = parts[at] ?? ''
  const kind = Math.floor(random() * 6)
  if (kind === 0) parts[at] = latin1(pick(bytes, random) ?? input).split('.')[at] ?? ''
  else if (kind === 1) parts[at] = latin1(changeBytes(Buffer.from(part, 'latin1'), seeds))
  else if (kind === 2 && at === 2) {
    const signature = Buffer.from(part, 'base64url')
    const byte = Math.floor(random() * signature.length)
    signature[byte] = (signature[byte] ?? 0) ^ (1 << Math.floor(random() * 8))
    parts[at] = signature.toString('base64url')
  } else {
    const json = Buffer.from(part, 'base64url')
    const tree = treeOrNone(json, 'json')
    const changed =
      tree === undefined
        ? changeBytes(json, seeds)
        : writeTree(changeTree(tree, random, { words: seeds.words, others: [tree] }), 'json')
    parts[at] = Buffer.from(changed).toString('base64url')
  }
  return Buffer.from(parts.join('.'), 'latin1')
}
