/** A seed that gives one block at a time in the order of asking, forgets what is cancelled, and remembers what it was asked. */
import { Bitfield } from '../../src/core/bitfield.ts'
import { Puppet } from './puppet-peer.ts'
import type { Endpoint } from '../../src/core/address.ts'
import type { Millis } from '../../src/core/units.ts'
import { type BlockRange, encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import type { MadeTorrent, SimulatedSwarm } from './simulated-swarm.ts'

export interface SlowSeedOptions {
  readonly host: string
  readonly made: MadeTorrent
  /** How long a block takes. */
  readonly blockTakes: Millis
  /** BEP 6, as nearly everybody has it: what is cancelled is answered. */
  readonly hasFast?: boolean
  /** Says nothing to a cancel, though it has BEP 6. */
  readonly isMute?: boolean
  /** Changes what it gives. */
  readonly spoil?: (piece: number, block: Uint8Array) => void
}

export class SlowSeed {
  /** Pieces, a request each, in the order of asking. */
  readonly asked: number[] = []
  readonly cancelled: number[] = []
  readonly endpoint: Promise<Endpoint>
  readonly #swarm: SimulatedSwarm
  readonly #options: SlowSeedOptions
  readonly #content: Buffer
  #queue: BlockRange[] = []
  #isSending = false
  #hasGreeted = false

  constructor(swarm: SimulatedSwarm, options: SlowSeedOptions) {
    this.#swarm = swarm
    this.#options = options
    this.#content = Buffer.concat([...options.made.contents.values()])
    this.endpoint = Puppet.listen(swarm.network, options.host, {
      infoHash: options.made.torrent.infoHash,
      hasFast: options.hasFast ?? true,
      id: Buffer.from(options.host.padEnd(20)).toString('hex'),
      onMessage: (message, puppet) => this.#heard(message, puppet),
    })
  }

  #heard(message: PeerMessage, puppet: Puppet): void {
    if (!this.#hasGreeted) {
      const pieces = this.#options.made.torrent.metainfo.pieces.length / 20
      puppet.say({ kind: 'bitfield', bits: Bitfield.full(pieces).toBytes() }, { kind: 'unchoke' })
    }
    this.#hasGreeted = true
    if (message.kind === 'cancel') {
      const { piece, offset, length } = message
      this.cancelled.push(piece)
      const kept = this.#queue.filter((r) => r.piece !== piece || r.offset !== offset)
      const { hasFast = true, isMute = false } = this.#options
      const isAnswered = hasFast && !isMute && kept.length < this.#queue.length
      if (isAnswered) puppet.say({ kind: 'reject', piece, offset, length })
      this.#queue = kept
    }
    if (message.kind !== 'request') return
    this.asked.push(message.piece)
    this.#queue.push(message)
    if (!this.#isSending) this.#sendNext(puppet)
  }

  #sendNext(puppet: Puppet): void {
    const next = this.#queue.shift()
    this.#isSending = next !== undefined
    if (next === undefined) return
    this.#swarm.clock.after(this.#options.blockTakes, () => {
      const at = next.piece * this.#options.made.torrent.metainfo.pieceLength + next.offset
      const block = new Uint8Array(this.#content.subarray(at, at + next.length))
      this.#options.spoil?.(next.piece, block)
      puppet.raw(encodePeerMessage({ kind: 'piece', piece: next.piece, offset: next.offset, block }))
      this.#sendNext(puppet)
    })
  }
}
