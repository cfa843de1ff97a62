/** Open files, a bounded number at once over all torrents: least recently used are closed first. */
import type { FileHandle } from 'node:fs/promises'
import { type GuardedOpen, openGuarded } from './guarded-open.ts'

interface OpenFile {
  readonly owner: object
  readonly handle: Promise<FileHandle>
  users: number
}

export class FilePool {
  readonly #handlesMax: number
  /** In the order of use. */
  readonly #open = new Map<string, OpenFile>()

  constructor(handlesMax: number) {
    this.#handlesMax = handlesMax
  }

  get openFiles(): number {
    return this.#open.size
  }

  /** Runs `act` on the file, which stays open at least so long. `owner`: for {@link closeAll}. */
  async use<T>(owner: object, request: GuardedOpen, act: (file: FileHandle) => Promise<T>): Promise<T> {
    const key = `${request.mode === 'read' ? 'read' : 'write'} ${request.folder}/${request.path}`
    const file = this.#take(key, owner, request)
    try {
      return await act(await file.handle)
    } finally {
      file.users--
      this.#trim()
    }
  }

  /** Closes the owner's files, each as soon as nobody is using it. */
  async closeAll(owner: object): Promise<void> {
    const closing: Promise<void>[] = []
    for (const [key, file] of this.#open) if (file.owner === owner) closing.push(this.#close(key, file))
    await Promise.all(closing)
  }

  #take(key: string, owner: object, request: GuardedOpen): OpenFile {
    const known = this.#open.get(key)
    const file = known ?? { owner, handle: openGuarded(request), users: 0 }
    file.users++
    this.#open.delete(key)
    this.#open.set(key, file)
    if (known === undefined) {
      file.handle.catch(() => {
        if (this.#open.get(key) === file) this.#open.delete(key)
      })
    }
    return file
  }

  #trim(): void {
    for (const [key, file] of this.#open) {
      if (this.#open.size <= this.#handlesMax) return
      // A failing close of a file that was only read, or synced before, loses nothing.
      if (file.users === 0) void this.#close(key, file).catch(() => undefined)
    }
  }

  async #close(key: string, file: OpenFile): Promise<void> {
    this.#open.delete(key)
    const handle = await file.handle.catch(() => undefined) // whoever asked for it was told why
    await handle?.close() // node waits for operations under way
  }
}
