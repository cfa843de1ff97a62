/** Lets so many through at once; the others wait in the order in which they came, or leave. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(width: number) {
    this.#free = width
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** `signal`: aborted while it waits, `work` is never begun. @throws its reason. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const go = (): void => {
      signal?.removeEventListener('abort', leave)
      resolve(undefined)
    }
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(go), 1)
      reject(signal?.reason as Error)
    }
    this.#waiting.push(go)
    signal?.addEventListener('abort', leave, { once: true })
    return promise
  }
}
