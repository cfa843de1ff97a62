/**
 * The description of a film (moov), written anew for other places of its media: each track names where its chunks are in the file, from
 * the file's beginning (stco, or co64 where that takes more than 32 bits). All else stays as it is, byte for byte, whether we know what
 * it is or not. Pure.
 */
import { boxesIn, refused, viewOf, type Box } from './boxes.ts'

type Node =
  | {
      readonly kind: 'container'
      readonly type: string
      readonly children: readonly Node[]
      readonly tail: Uint8Array
    }
  /** With its head. */
  | { readonly kind: 'leaf'; readonly bytes: Uint8Array }
  | Table

interface Table {
  readonly kind: 'table'
  /** Version and flags, which are kept. */
  readonly version: number
  readonly count: number
  readonly at: (n: number) => number
  readonly isWide: boolean
}

/** What has tracks and their tables in it. */
const CONTAINERS: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'dinf'])
const FRAGMENTED = 'it is in fragments, which play from the beginning as they are'
const ENCRYPTED = 'it is encrypted'
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['mvex', FRAGMENTED],
  ['cmov', 'its description is compressed'],
  ['pssh', ENCRYPTED],
  ['saio', ENCRYPTED],
])
const ENCRYPTED_ENTRIES: ReadonlySet<string> = new Set([
  'encv',
  'enca',
  'enct',
  'encs',
  'encm',
  'drms',
  'drmi',
  'drmt',
])
const BROKEN = 'its description is broken'
const UINT32_MAX = 0xffff_ffff
/** Where an item of a picture format is, in a box that we do not move into. */
const ILOC = Buffer.from('iloc', 'latin1')
const HAVE_ITEMS: ReadonlySet<string> = new Set(['meta', 'meco', 'udta'])

export class Moov {
  readonly #root: Node
  readonly #tables: readonly Table[]

  /** `bytes`: the whole box. @throws ShoalError `bad-input` for what cannot be moved. */
  constructor(bytes: Uint8Array, bodyStart: number) {
    const tables: Table[] = []
    this.#root = containerOf(bytes, { type: 'moov', start: 0, bodyStart, end: bytes.length }, tables)
    this.#tables = tables
    if (tables.every(({ count }) => count === 0)) throw refused('it describes no media')
  }

  /**
   * `moved`: where what was at a place is when the description takes so many bytes.
   * Tables become wide where an entry would not fit any more, which makes it longer, so all is asked again.
   */
  writtenFor(moved: (offset: number, moovBytes: number) => number): Uint8Array {
    const wide = new Set(this.#tables.filter(({ isWide }) => isWide))
    for (;;) {
      const sizeBytes = sizeOf(this.#root, wide)
      const narrow = this.#tables.filter((table) => !wide.has(table) && overflows(table, sizeBytes, moved))
      if (narrow.length > 0) {
        for (const table of narrow) wide.add(table)
        continue
      }
      const bytes = new Uint8Array(sizeBytes)
      write(this.#root, { bytes, view: viewOf(bytes), wide, moved: (offset) => moved(offset, sizeBytes) }, 0)
      return bytes
    }
  }
}

function overflows(
  table: Table,
  moovBytes: number,
  moved: (offset: number, moovBytes: number) => number,
): boolean {
  for (let n = 0; n < table.count; n++) if (moved(table.at(n), moovBytes) > UINT32_MAX) return true
  return false
}

/** As deep as containers of these types may stand in each other: each only where it belongs. */
const PLACE: Readonly<Record<string, string>> = {
  trak: 'moov',
  mdia: 'trak',
  minf: 'mdia',
  stbl: 'minf',
  dinf: 'minf',
}

function containerOf(bytes: Uint8Array, box: Box, tables: Table[]): Node {
  const boxes = boxesIn(bytes, box.bodyStart, box.end)
  const children = boxes.map((child) => nodeOf(bytes, child, box.type, tables))
  // QuickTime ends some containers with four zeros
  const tail = bytes.subarray(boxes.at(-1)?.end ?? box.bodyStart, box.end)
  return { kind: 'container', type: box.type, children, tail }
}

function nodeOf(bytes: Uint8Array, box: Box, parent: string, tables: Table[]): Node {
  const why = REFUSED.get(box.type)
  if (why !== undefined) throw refused(why)
  if (CONTAINERS.has(box.type) && PLACE[box.type] === parent) return containerOf(bytes, box, tables)
  if (parent === 'stbl' && (box.type === 'stco' || box.type === 'co64')) {
    const table = tableOf(bytes, box)
    tables.push(table)
    return table
  }
  if (parent === 'stbl' && box.type === 'stsd') mustBeClear(bytes, box)
  if (parent === 'dinf' && box.type === 'dref') mustBeWithin(bytes, box)
  const leaf = bytes.subarray(box.start, box.end)
  if (HAVE_ITEMS.has(box.type) && Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).includes(ILOC))
    throw refused('it has pictures in it that are found by their place')
  return { kind: 'leaf', bytes: leaf }
}

function tableOf(bytes: Uint8Array, { type, bodyStart, end }: Box): Table {
  const view = viewOf(bytes)
  if (bodyStart + 8 > end) throw refused(BROKEN)
  const count = view.getUint32(bodyStart + 4)
  const isWide = type === 'co64'
  const first = bodyStart + 8
  if (first + count * (isWide ? 8 : 4) !== end) throw refused(BROKEN)
  return {
    kind: 'table',
    version: view.getUint32(bodyStart),
    count,
    at: isWide ? (n) => Number(view.getBigUint64(first + 8 * n)) : (n) => view.getUint32(first + 4 * n),
    isWide,
  }
}

function mustBeClear(bytes: Uint8Array, { bodyStart, end }: Box): void {
  if (bodyStart + 8 > end) throw refused(BROKEN)
  if (boxesIn(bytes, bodyStart + 8, end).some(({ type }) => ENCRYPTED_ENTRIES.has(type)))
    throw refused(ENCRYPTED)
}

/** Media in other files are not where the numbers of this one say. */
function mustBeWithin(bytes: Uint8Array, { bodyStart, end }: Box): void {
  if (bodyStart + 8 > end) throw refused(BROKEN)
  for (const entry of boxesIn(bytes, bodyStart + 8, end)) {
    if (entry.bodyStart + 4 > entry.end) throw refused(BROKEN)
    const isWithin = (viewOf(bytes).getUint32(entry.bodyStart) & 1) === 1
    if (!isWithin) throw refused('its media are in another file')
  }
}

function sizeOf(node: Node, wide: ReadonlySet<Table>): number {
  switch (node.kind) {
    case 'leaf':
      return node.bytes.length
    case 'table':
      return 16 + node.count * (wide.has(node) ? 8 : 4)
    case 'container':
      return node.children.reduce((sum, child) => sum + sizeOf(child, wide), 8 + node.tail.length)
  }
}

interface Writing {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly wide: ReadonlySet<Table>
  readonly moved: (offset: number) => number
}

/** Answers where it ends. */
function write(node: Node, to: Writing, at: number): number {
  if (node.kind === 'leaf') {
    to.bytes.set(node.bytes, at)
    return at + node.bytes.length
  }
  const size = sizeOf(node, to.wide)
  to.view.setUint32(at, size)
  if (node.kind === 'container') {
    to.bytes.set(Buffer.from(node.type, 'latin1'), at + 4)
    let next = at + 8
    for (const child of node.children) next = write(child, to, next)
    to.bytes.set(node.tail, next)
    return at + size
  }
  const isWide = to.wide.has(node)
  to.bytes.set(Buffer.from(isWide ? 'co64' : 'stco', 'latin1'), at + 4)
  to.view.setUint32(at + 8, node.version)
  to.view.setUint32(at + 12, node.count)
  for (let n = 0; n < node.count; n++) {
    const place = to.moved(node.at(n))
    if (isWide) to.view.setBigUint64(at + 16 + 8 * n, BigInt(place))
    else to.view.setUint32(at + 16 + 4 * n, place)
  }
  return at + size
}
