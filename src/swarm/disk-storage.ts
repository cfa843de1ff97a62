/** Contents as files, states as files beside them. */
import { readFile } from 'node:fs/promises'
import { readFileBounded, writeFileAtomic } from '../platform/files.ts'
import { ShoalError } from '../core/errors.ts'
import { MiB } from '../core/units.ts'
import type { Content, ContentSpec, Storage } from './content.ts'
import { DiskContent } from './disk-content.ts'
import { FilePool } from './file-pool.ts'

/** Far below the usual limit of 1,024 descriptors a process, which sockets need too. */
const OPEN_FILES_MAX = 256
/** 100,000 files with their stamps, and the bits of their pieces. */
const STATE_BYTES_MAX = 16 * MiB

export class DiskStorage implements Storage {
  readonly bootId: string
  readonly #files = new FilePool(OPEN_FILES_MAX)

  constructor(bootId: string) {
    this.bootId = bootId
  }

  open(spec: ContentSpec): Content {
    return new DiskContent(this.#files, spec)
  }

  async loadState(path: string): Promise<Uint8Array | undefined> {
    try {
      return await readFileBounded(path, STATE_BYTES_MAX)
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'not-found') return undefined
      throw error
    }
  }

  async saveState(
    path: string,
    bytes: Uint8Array,
    { isPrivate = false }: { readonly isPrivate?: boolean } = {},
  ): Promise<void> {
    await writeFileAtomic(path, bytes, isPrivate ? { mode: 0o600 } : {})
  }

  /** Contents close their own files. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

/** Linux tells when it was started; elsewhere a state is believed only when it was synced. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim()
  } catch {
    return ''
  }
}
