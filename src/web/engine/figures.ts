/** How many bytes came from whom, and how fast: what the page shows, and what it reports. */
import { RateMeter } from './rate-meter.ts'

export interface Figures {
  /** Content that came from colleagues; the blocks of a liar are among them, a few until it is banned. */
  readonly colleaguesBytes: number
  /** From the server: over HTTP, and through its gateway. */
  readonly serverBytes: number
  /** The part of the server's that came through the gateway. */
  readonly gatewayBytes: number
  readonly uploadedBytes: number
  /** Colleagues that are connected; the gateway is none. */
  readonly peers: number
  readonly downPerSecond: number
  readonly upPerSecond: number
}

export class Tally {
  #colleagues = 0
  #http = 0
  #gateway = 0
  #passed = 0
  #uploaded = 0
  readonly #down = new RateMeter()
  readonly #up = new RateMeter()

  came(from: 'colleague' | 'gateway' | 'http', bytes: number, now: number): void {
    if (from === 'colleague') this.#colleagues += bytes
    else if (from === 'gateway') this.#gateway += bytes
    else this.#http += bytes
    this.#down.note(bytes, now)
  }

  /** From the server to the player itself. */
  passed(bytes: number, now: number): void {
    this.#passed += bytes
    this.#down.note(bytes, now)
  }

  /** Over HTTP, to us. */
  get fetchedBytes(): number {
    return this.#http
  }

  sent(bytes: number, now: number): void {
    this.#uploaded += bytes
    this.#up.note(bytes, now)
  }

  figures(peers: number, now: number): Figures {
    return {
      colleaguesBytes: this.#colleagues,
      serverBytes: this.#http + this.#passed + this.#gateway,
      gatewayBytes: this.#gateway,
      uploadedBytes: this.#uploaded,
      peers,
      downPerSecond: this.#down.perSecond(now),
      upPerSecond: this.#up.perSecond(now),
    }
  }
}
