/** A disk of a few MiB that can be filled and freed (tmpfs: root, {@link DISK_NEEDS}). */
import { execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** For `needs`. */
export const DISK_NEEDS = ['mounts'] as const

const mounted = new Set<string>()
process.on('exit', () => {
  for (const folder of mounted) unmount(folder)
})

/** Also when something still uses it: it is gone from the tree at once, and from memory with its last user. */
export function unmount(folder: string): void {
  if (mounted.delete(folder)) execFileSync('umount', ['--lazy', folder])
}

/** `what`: a device, or an image with `options` that hold `loop`. Undone by {@link unmount}, at the latest at exit. */
export function mount(folder: string, type: string, what: string, options: string): void {
  execFileSync('mount', ['-t', type, '-o', options, what, folder], { stdio: 'pipe' })
  mounted.add(folder)
}

export class SmallDisk implements AsyncDisposable {
  readonly folder: string
  readonly #ballast: string

  private constructor(folder: string) {
    this.folder = folder
    this.#ballast = join(folder, 'ballast')
  }

  /** Mounted at `folder`, which is made. */
  static async mount(folder: string, sizeBytes: number): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true })
    mount(folder, 'tmpfs', 'tmpfs', `size=${sizeBytes}`)
    return new SmallDisk(folder)
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder)
    return bavail * bsize
  }

  /** Leaves `leftBytes` for others, until {@link free}. */
  async fill(leftBytes = 0): Promise<void> {
    await this.free()
    await writeFile(this.#ballast, Buffer.alloc(Math.max(0, (await this.freeBytes()) - leftBytes)))
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    unmount(this.folder)
    return Promise.resolve()
  }
}
