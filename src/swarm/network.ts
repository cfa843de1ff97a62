/**
 * Sockets as the engine sees them. `platform`'s TCP is one implementation (`tcp-network.ts`), the tests'
 * in-memory network another; both pass `test/contract/network.contract.ts`.
 */
import type { X509Certificate } from 'node:crypto'
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { DeviceIdentity } from '../wire/certified-device.ts'

export interface ConnectionHandler {
  /** `bytes` is only valid during the call: its memory is reused for the next read. */
  onData(bytes: Uint8Array): void
  /** What was queued has left; called after `write` returned false. */
  onDrain(): void
  /** Once, whatever ended it; nothing is called after. */
  onClose(): void
}

export interface Connection {
  readonly remote: Endpoint
  /** True when the other side dialled. */
  readonly isIncoming: boolean
  /**
   * True when whoever brought it about knows who is there, and ends it when they may no longer be: then no lease is
   * asked for, which is of an address, and one browser has several.
   */
  readonly isVouchedFor?: boolean
  /** Set once, before any data is delivered. */
  setHandler(handler: ConnectionHandler): void
  /** Queues bytes; the caller must not change them afterwards. False: wait for `onDrain` before more. */
  write(bytes: Uint8Array): boolean
  /** Bytes queued and not yet given to the kernel. */
  readonly queuedBytes: number
  pause(): void
  resume(): void
  /** Ends it at once. Harmless when repeated. */
  destroy(): void
  /**
   * Goes on inside TLS 1.3, as server where the other side dialled; `first`: what was read of it already. This
   * one has no handler from then on, and is only good for `destroy`. Absent where the network has no TLS.
   *
   * @throws ShoalError `not-granted` when the other side speaks no TLS or shows no certificate: it is closed.
   */
  secure?(identity: DeviceIdentity, first?: Uint8Array): Promise<SecureConnection>
}

export interface SecureConnection {
  readonly connection: Connection
  /** The other side holds its key; by whom it was signed is NOT checked. */
  readonly certificate: X509Certificate
}

export interface NetworkListener extends AsyncDisposable {
  readonly port: number
}

export interface Network {
  /** Resolves when it listens. @throws ShoalError `conflict` when the port is taken. */
  listen(
    at: { readonly host: string; readonly port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<NetworkListener>
  /** `from`: the local address to dial from. @throws ShoalError `unavailable` when nobody answers. */
  dial(to: Endpoint, from: IpAddress | undefined, signal: AbortSignal): Promise<Connection>
}
