/** What one machine has exchanged of one release since some moment, added up for the portal. */
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { type EpochMillis, hours, type Millis } from '../core/units.ts'
import type { Transfer, TransferEnd } from '../wire/api.ts'
import { limits } from '../wire/limits.ts'

export interface TransferFigures {
  /** Verified, of what is wanted. */
  readonly haveBytes: number
  /** From web seeds, in all. */
  readonly webSeedBytes: number
}

/** A transfer at one moment. */
export interface TransferNow extends TransferFigures {
  /** Since the moment before. */
  readonly ends: readonly TransferEnd[]
}

/** Half of what the portal takes. */
const LIFE = hours(24)
const ID_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export interface Moment {
  readonly at: Millis
  readonly date: EpochMillis
}

interface Begun extends Moment {
  readonly infohash: InfoHash
  readonly now: TransferFigures
}

export class TransferSession {
  readonly #begun: Begun
  readonly #id: string
  readonly #ends = new Map<string, { -readonly [K in keyof TransferEnd]: TransferEnd[K] }>()
  #haveBytes: number
  #webSeedBytes = 0
  /** Counts changes; what the portal has is the count of then. */
  #version = 1
  #told = 0
  #seq = 0

  constructor(begun: Begun, random: Random) {
    this.#begun = begun
    this.#haveBytes = begun.now.haveBytes
    this.#id = Array.from({ length: 22 }, () => ID_CHARS[Math.floor(random() * 64)]).join('')
  }

  /** The portal lacks something of it. */
  get isNews(): boolean {
    return this.#told < this.#version
  }

  get id(): string {
    return this.#id
  }

  /** As it was told last. */
  get figures(): TransferFigures {
    return {
      haveBytes: this.#haveBytes,
      webSeedBytes: this.#begun.now.webSeedBytes + this.#webSeedBytes,
    }
  }

  get endCount(): number {
    return this.#ends.size
  }

  isOver(now: Moment): boolean {
    return this.#age(now) >= LIFE
  }

  /** The portal takes no more of it. */
  isTooOld(now: Moment): boolean {
    return this.#age(now) > limits.transferAgeMax
  }

  /** A machine that sleeps stops the one clock, and somebody may set the other. */
  #age(now: Moment): number {
    return Math.max(0, now.at - this.#begun.at, now.date - this.#begun.date)
  }

  /** Those of `ends` for which there is no room: another session's. */
  add({ haveBytes, webSeedBytes, ends }: TransferNow): TransferEnd[] {
    const webSeed = webSeedBytes - this.#begun.now.webSeedBytes
    if (haveBytes !== this.#haveBytes || webSeed !== this.#webSeedBytes || ends.length > 0) this.#version++
    this.#haveBytes = haveBytes
    this.#webSeedBytes = webSeed
    return ends.filter((end) => !this.#count(end))
  }

  #count(end: TransferEnd): boolean {
    const key = `${end.at} ${end.from}`
    const known = this.#ends.get(key)
    if (known === undefined) {
      if (this.#ends.size >= limits.transferEndsMax) return false
      this.#ends.set(key, { ...end })
      return true
    }
    known.receivedBytes += end.receivedBytes
    known.sentBytes += end.sentBytes
    return true
  }

  /** All of it until now; `told` is to be called when the portal has it. */
  message(now: Moment): { readonly transfer: Transfer; readonly told: () => void } {
    const version = this.#version
    return {
      transfer: {
        session: this.#id,
        seq: ++this.#seq,
        infohash: this.#begun.infohash,
        ageSeconds: Math.floor(this.#age(now) / 1_000),
        startBytes: this.#begun.now.haveBytes,
        haveBytes: this.#haveBytes,
        webSeedBytes: this.#webSeedBytes,
        ends: [...this.#ends.values()].map((end) => ({ ...end })),
      },
      told: () => {
        this.#told = Math.max(this.#told, version)
      },
    }
  }
}
