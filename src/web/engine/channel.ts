/** Bytes to one peer and back, as the engine sees them: a data channel in the page, a pipe in a test. */
import type { Millis } from '../../core/units.ts'

export interface ChannelHandler {
  /** The next bytes of the stream; where it is cut into frames means nothing. */
  onBytes(bytes: Uint8Array): void
  /** What was queued has left. */
  onDrain(): void
  /** Once, whatever ended it. */
  onClose(): void
}

export interface Channel {
  /** Bytes queued and not sent. */
  readonly queuedBytes: number
  /** We began it. */
  readonly isOffered: boolean
  /** Where the other side is, as far as it is known and is not only its own word; for bans and figures. */
  readonly addresses: readonly string[]
  setHandler(handler: ChannelHandler): void
  send(bytes: Uint8Array): void
  /** Harmless when repeated. */
  close(): void
}

/** Time, as an argument; `platform/clock.ts` is one. Readings and durations in ms. */
export interface EngineClock {
  now(): number
  after(delay: Millis, action: () => void): { cancel(): void }
  every(period: Millis, action: () => void): { cancel(): void }
}
