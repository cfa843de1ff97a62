/** Work that several wait for at once: whoever leaves takes it from nobody, and when all have left it ends. */
export class SharedWork<T> {
  readonly #ends = new AbortController()
  readonly #result: Promise<T>
  #waiting = 0
  #state: 'under way' | 'done' | 'nothing' = 'under way'

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#ends.signal)
    this.#result.then(
      () => (this.#state = 'done'),
      () => (this.#state = 'nothing'), // told to whoever waits
    )
  }

  /** It failed, or all who waited left before it was done. */
  get cameToNothing(): boolean {
    return this.#state === 'nothing'
  }

  /** Whoever has no signal stays. @throws the signal's reason, when it leaves; what the work throws. */
  async result(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    this.#waiting++
    const left = Promise.withResolvers<never>()
    const leave = (): void => left.reject(signal?.reason as Error)
    signal?.addEventListener('abort', leave, { once: true })
    try {
      return await Promise.race([this.#result, left.promise])
    } finally {
      signal?.removeEventListener('abort', leave)
      if (--this.#waiting === 0 && this.#state === 'under way') {
        this.#state = 'nothing'
        this.#ends.abort()
      }
    }
  }
}
