/** Verified pieces on the disk, by a thread of their own; in memory where the browser gives no disk, or no more of it. */
import type { PieceLayout } from '../../core/piece-layout.ts'
import { MemoryStore, type PieceStore } from '../engine/piece-store.ts'
import type { DiskReply, DiskRequest } from '../worker/disk-messages.ts'

/** Of a film at 5 Mbit/s, the last seven minutes. */
const MEMORY_BYTES_MAX = 256 * 1_024 * 1_024

/** What came last is what colleagues and the player ask for next: of a film at 5 Mbit/s, the last minute. */
const RECENT_BYTES_MAX = 32 * 1_024 * 1_024

const BROKEN = 'the thread that keeps pieces has failed'

interface Waiting {
  readonly resolve: (bytes: Uint8Array | undefined) => void
  readonly reject: (error: Error) => void
}

export interface DiskStoreOptions {
  readonly workerUrl: string
  readonly layout: PieceLayout
  readonly firstPiece: number
  /** It had to make room. */
  readonly onDropped: (piece: number) => void
}

export async function openStore(options: DiskStoreOptions): Promise<PieceStore> {
  const { onDropped } = options
  const memory = new MemoryStore({ bytesMax: MEMORY_BYTES_MAX, onDropped })
  const disk = await DiskStore.open(options)
  return disk === undefined ? memory : new TwoStores(disk, memory)
}

/** The disk; what is on its way there, what came last, and what it does not take, is in memory. */
class TwoStores implements PieceStore {
  readonly #disk: DiskStore
  readonly #memory: MemoryStore
  readonly #recent = new MemoryStore({ bytesMax: RECENT_BYTES_MAX })
  readonly #inMemory = new Set<number>()
  readonly #underway = new Map<number, Uint8Array>()

  constructor(disk: DiskStore, memory: MemoryStore) {
    this.#disk = disk
    this.#memory = memory
  }

  /** Of the disk as much as there is, until it takes no more. */
  get roomBytes(): number {
    return this.#inMemory.size === 0 ? Infinity : this.#memory.roomBytes
  }

  put(piece: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#recent.put(piece, bytes)
    this.#underway.set(piece, bytes)
    void this.#write(piece, bytes).finally(() => this.#underway.delete(piece))
  }

  async get(piece: number, offset: number, length: number): Promise<Uint8Array | undefined> {
    const underway = this.#underway.get(piece)
    if (underway !== undefined) return underway.subarray(offset, offset + length)
    const recent = await this.#recent.get(piece, offset, length)
    if (recent !== undefined) return recent
    const store = this.#inMemory.has(piece) ? this.#memory : this.#disk
    return await store.get(piece, offset, length)
  }

  close(): void {
    this.#disk.remove()
    this.#memory.close()
    this.#recent.close()
  }

  async #write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#disk.put(piece, bytes)
      this.#inMemory.delete(piece)
    } catch {
      this.#inMemory.add(piece)
      this.#memory.put(piece, bytes)
    }
  }
}

class DiskStore {
  readonly #worker: Worker
  readonly #layout: PieceLayout
  readonly #start: number
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #isBroken = false

  private constructor(worker: Worker, { layout, firstPiece }: DiskStoreOptions) {
    this.#worker = worker
    this.#layout = layout
    this.#start = firstPiece * layout.pieceLength
    worker.onmessage = (event: MessageEvent<DiskReply>) => {
      this.#settle(event.data)
    }
    worker.onerror = () => {
      this.#isBroken = true
      for (const { reject } of this.#waiting.values()) reject(new Error(BROKEN))
      this.#waiting.clear()
    }
  }

  /** Undefined where the browser gives none. */
  static async open(options: DiskStoreOptions): Promise<DiskStore | undefined> {
    const worker = new Worker(options.workerUrl, { type: 'module' })
    const isOpen = await new Promise<boolean>((resolve) => {
      worker.onmessage = (event: MessageEvent<DiskReply>) => {
        resolve(event.data.kind === 'opened' && event.data.isOpen)
      }
      worker.onerror = () => {
        resolve(false)
      }
      const open: DiskRequest = { kind: 'open', name: crypto.randomUUID() }
      worker.postMessage(open)
    })
    if (isOpen) return new DiskStore(worker, options)
    worker.terminate()
    return undefined
  }

  async put(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#ask((id) => ({ kind: 'put', id, at: this.#placeOf(piece), bytes }))
  }

  async get(piece: number, offset: number, length: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#ask((id) => ({ kind: 'get', id, at: this.#placeOf(piece) + offset, length }))
    } catch {
      return undefined
    }
  }

  /** The file goes, with all that is in it. */
  remove(): void {
    const request: DiskRequest = { kind: 'remove' }
    this.#worker.postMessage(request)
  }

  #placeOf(piece: number): number {
    return piece * this.#layout.pieceLength - this.#start
  }

  #ask(requestOf: (id: number) => DiskRequest): Promise<Uint8Array | undefined> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      if (this.#isBroken) throw new Error(BROKEN)
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage(requestOf(id))
    })
  }

  #settle(reply: DiskReply): void {
    if (reply.kind === 'opened') return
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.kind === 'done') waiting?.resolve(reply.bytes)
    else waiting?.reject(new Error(reply.reason))
  }
}
