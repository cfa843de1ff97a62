/**
 * A disk of which snapshots can be taken as a power cut would leave them: ext4 in an image (root, loop devices,
 * {@link CRASH_DISK_NEEDS}). What was not brought to the disk is not in the image, and the journal is replayed when
 * the snapshot is mounted.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mount, unmount } from './small-disk.ts'

/** For `needs`. */
export const CRASH_DISK_NEEDS = ['mounts', 'loop', 'mkfs.ext4'] as const
const LOOKS_MAX = 50

export interface Mounted extends AsyncDisposable {
  readonly folder: string
}

export class CrashDisk implements AsyncDisposable {
  readonly folder: string
  readonly #dir: string
  readonly #image: string
  #snapshots = 0

  private constructor(dir: string) {
    this.#dir = dir
    this.folder = join(dir, 'disk')
    this.#image = join(dir, 'image')
  }

  /** In `dir`, which is made. */
  static async make(dir: string, sizeBytes: number): Promise<CrashDisk> {
    const disk = new CrashDisk(dir)
    mkdirSync(disk.folder, { recursive: true })
    await using image = await open(disk.#image, 'w')
    await image.truncate(sizeBytes)
    // A small journal, and no work left for later that would write while nobody does.
    const lazy = 'lazy_itable_init=0,lazy_journal_init=0'
    execFileSync('mkfs.ext4', ['-q', '-F', '-J', 'size=4', '-E', lazy, disk.#image], { stdio: 'pipe' })
    mount(disk.folder, 'ext4', disk.#image, 'loop')
    return disk
  }

  /**
   * The disk of this moment, mounted elsewhere. Whoever writes to it is to be stopped meanwhile; what the system
   * itself still writes is noticed, since then two looks differ.
   */
  async snapshot(): Promise<Mounted> {
    let image = await readFile(this.#image)
    for (let looks = 1; ; looks++) {
      const again = await readFile(this.#image)
      if (again.equals(image)) break
      if (looks === LOOKS_MAX) throw new Error('the disk does not come to rest')
      image = again
    }
    const copy = join(this.#dir, `snapshot-${this.#snapshots++}`)
    const folder = `${copy}-disk`
    mkdirSync(folder)
    await writeFile(copy, image)
    mount(folder, 'ext4', copy, 'loop')
    return {
      folder,
      async [Symbol.asyncDispose]() {
        unmount(folder)
        await rm(copy)
      },
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    unmount(this.folder)
    return Promise.resolve()
  }
}
