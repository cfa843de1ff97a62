/** A WebSocket, as the rules of signalling see it: what stands between `signal-core.ts` and `signal-socket.ts`. */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Refusal } from './refusals.ts'
import type { SignalPeer } from './signal-swarms.ts'

/** A socket as the core sees it. */
export interface SignalSession {
  /** Its name in this process: above every port, so that it counts as one "port" of its address and grant. */
  readonly number: number
  readonly host: IpAddress
  readonly token: string | undefined
  /** False from the moment at which its end is decided. */
  readonly isOpen: boolean
  /** The peer that it spoke for first, and speaks for as long as it lives. */
  peerId: PeerId | undefined
  /** Its place in the swarm of its grant. */
  peer: SignalPeer<SignalSession> | undefined
  /** False when the other side does not read; it is then closed. */
  send(text: string): boolean
  /** Says why, in an answer to `action`. */
  refuse(action: 'announce' | 'scrape', refusal: Refusal, infoHash?: InfoHash): void
  /** Leaves its swarm through {@link SignalCore.leave}. Closing twice changes nothing. */
  close(): void
}
