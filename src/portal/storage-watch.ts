/** How full the disk of the portal's data is, and how its database grows: for the page of operators. */
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../core/errors.ts'
import { hours, type Millis, minutes } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

export interface StorageState {
  /** 0..1; undefined where the system does not say. */
  readonly usedPart: number | undefined
  readonly databaseBytes: number
  /** Since a time, a day ago at most. */
  readonly grownBytes: number
  readonly since: Millis
}

interface Sample {
  readonly at: Millis
  readonly bytes: number
}

const SAMPLE_EVERY = hours(1)
const REMEMBERED = hours(24)
/** However many look at the page, and however often. */
const KEPT = minutes(0.25)

export class StorageWatch {
  readonly #clock: Clock
  readonly #file: string
  readonly #samples: Sample[] = []
  #last: { readonly at: Millis; readonly state: Promise<StorageState> } | undefined

  /** `file`: of the database. */
  constructor(parts: { readonly clock: Clock }, file: string) {
    this.#clock = parts.clock
    this.#file = file
  }

  state(): Promise<StorageState> {
    const at = this.#clock.now()
    if (this.#last === undefined || at - this.#last.at >= KEPT) this.#last = { at, state: this.#look(at) }
    return this.#last.state
  }

  async #look(at: Millis): Promise<StorageState> {
    const bytes = (await sizeOf(this.#file)) + (await sizeOf(`${this.#file}-wal`))
    const newest = this.#samples.at(-1)
    if (newest === undefined || at - newest.at >= SAMPLE_EVERY) this.#samples.push({ at, bytes })
    while (this.#samples.length > 1 && at - (this.#samples[0]?.at ?? at) >= REMEMBERED) this.#samples.shift()
    const first = this.#samples[0] ?? { at, bytes }
    return {
      usedPart: await usedPartOf(dirname(this.#file)),
      databaseBytes: bytes,
      grownBytes: bytes - first.bytes,
      since: first.at,
    }
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0 // no log yet
    throw error
  }
}

/** As `df` has it: of what is not kept for root. */
async function usedPartOf(folder: string): Promise<number | undefined> {
  const { blocks, bfree, bavail } = await statfs(folder)
  const used = blocks - bfree
  return used + bavail === 0 ? undefined : used / (used + bavail)
}
