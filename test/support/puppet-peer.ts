/** A peer on strings: it says what a test lets it say, and hears what the engine answers. */
import { type Endpoint, type IpAddress, ipAddress } from '../../src/core/address.ts'
import { type InfoHash, peerId } from '../../src/core/ids.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import type { Connection, Network } from '../../src/swarm/network.ts'
import { encodeHandshake, HANDSHAKE_BYTES } from '../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'

export interface PuppetOptions {
  readonly infoHash: InfoHash
  /** 40 hex digits; two puppets need two. */
  readonly id?: string
  readonly hasFast?: boolean
  readonly onMessage?: (message: PeerMessage, puppet: Puppet) => void
  /** A block came for it. */
  readonly onBlock?: (piece: number, offset: number, block: Uint8Array) => void
}

export class Puppet {
  readonly heard: PeerMessage[] = []
  isClosed = false
  /** All that came, handshake included. */
  heardBytes = 0
  readonly #connection: Connection
  readonly #options: PuppetOptions
  readonly #reader: MessageReader
  #headLeft = HANDSHAKE_BYTES

  constructor(connection: Connection, options: PuppetOptions) {
    this.#connection = connection
    this.#options = options
    let block: { piece: number; offset: number; bytes: Uint8Array } | undefined
    this.#reader = new MessageReader({
      onMessage: (message) => {
        const kept = structuredClone(message)
        this.heard.push(kept)
        options.onMessage?.(kept, this)
      },
      onBlockBegin: (piece, offset, length) => {
        block = { piece, offset, bytes: new Uint8Array(length) }
        return block.bytes
      },
      onBlockEnd: () => {
        if (block !== undefined) options.onBlock?.(block.piece, block.offset, block.bytes)
      },
    })
    connection.setHandler({
      onData: (bytes) => this.#onData(bytes),
      onDrain: () => undefined,
      onClose: () => (this.isClosed = true),
    })
  }

  static async dial(network: Network, to: Endpoint, from: string, options: PuppetOptions): Promise<Puppet> {
    const connection = await network.dial(to, ipAddress(from), new AbortController().signal)
    const puppet = new Puppet(connection, options)
    puppet.shakeHands()
    return puppet
  }

  /** Listens at `host`; each engine that dials meets a puppet of its own. */
  static async listen(network: Network, host: string, options: PuppetOptions): Promise<Endpoint> {
    const listener = await network.listen({ host, port: 7_000 }, (connection) => {
      new Puppet(connection, options).shakeHands()
    })
    const address: IpAddress = ipAddress(host)
    return { host: address, port: listener.port }
  }

  shakeHands(): void {
    this.raw(
      encodeHandshake({
        infoHash: this.#options.infoHash,
        peerId: peerId(this.#options.id ?? 'ab'.repeat(20)),
        hasExtensions: true,
        hasFast: this.#options.hasFast ?? true,
      }),
    )
  }

  say(...messages: readonly PeerMessage[]): void {
    for (const message of messages) this.raw(encodePeerMessage(message))
  }

  raw(bytes: Uint8Array): void {
    this.#connection.write(bytes)
  }

  pause(): void {
    this.#connection.pause()
  }

  hangUp(): void {
    this.#connection.destroy()
  }

  kinds(): string[] {
    return this.heard.map((message) => message.kind)
  }

  #onData(bytes: Uint8Array): void {
    this.heardBytes += bytes.length
    const skip = Math.min(this.#headLeft, bytes.length)
    this.#headLeft -= skip
    if (bytes.length > skip) this.#reader.push(bytes.subarray(skip))
  }
}
