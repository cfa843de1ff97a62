/** Writes of one turn of the loop leave together: small messages and the block behind them become one packet. */
import type { Duplex } from 'node:stream'

export class CorkedWriter {
  readonly #stream: Duplex
  #isCorked = false

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  /** As the stream's own: false when it holds more than it should. */
  write(bytes: Uint8Array): boolean {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#stream.uncork()
      })
    }
    return this.#stream.write(bytes)
  }
}
