/** A bell: whoever waits when it rings goes on. Ask for `next` before looking, and no ring is missed. */
export class Bell {
  #ring: () => void = () => undefined
  #next: Promise<void>

  constructor() {
    this.#next = this.#newNext()
  }

  /** Resolves at the next ring. */
  get next(): Promise<void> {
    return this.#next
  }

  ring(): void {
    const ring = this.#ring
    this.#next = this.#newNext()
    ring()
  }

  #newNext(): Promise<void> {
    return new Promise((resolve) => (this.#ring = resolve))
  }
}
