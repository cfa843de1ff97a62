/** `test/hostile/corpus/peer`: what hostile peers send, as steps; and how it is sent to a port. */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { type InfoHash, peerId } from '../../src/core/ids.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'

interface Step {
  readonly handshake?: boolean
  readonly hex?: string
  readonly text?: string
  readonly message?: {
    readonly id: number
    readonly hex?: string
    readonly text?: string
    readonly fill?: number
  }
  readonly times?: number
}

export interface HostilePeer {
  readonly file: string
  /** Reads as "the peer port bears ...". */
  readonly why: string
  readonly send: readonly Step[]
  readonly sockets?: number
  /** False: it reads nothing. */
  readonly read?: boolean
}

const FOLDER = join(import.meta.dirname, 'corpus', 'peer')

export function hostilePeers(): readonly HostilePeer[] {
  return readdirSync(FOLDER)
    .toSorted()
    .map((file) => ({
      ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Omit<HostilePeer, 'file'>),
      file,
    }))
}

/** All that it sends over one connection. */
export function bytesOfHostile(hostile: HostilePeer, infoHash: InfoHash): Buffer {
  return Buffer.concat(hostile.send.map((step) => bytesOfStep(step, infoHash)))
}

function bytesOfStep(step: Step, infoHash: InfoHash): Buffer {
  return Buffer.concat(Array<Buffer>(step.times ?? 1).fill(bytesOnce(step, infoHash)))
}

function bytesOnce(step: Step, infoHash: InfoHash): Buffer {
  const { message } = step
  if (step.handshake === true) {
    const id = peerId(randomBytes(20).toString('hex'))
    return Buffer.from(encodeHandshake({ infoHash, peerId: id, hasExtensions: true, hasFast: true }))
  }
  if (message === undefined) return Buffer.from(step.text ?? Buffer.from(step.hex ?? '', 'hex'))
  const body = Buffer.concat([
    Buffer.of(message.id),
    Buffer.from(message.hex ?? '', 'hex'),
    Buffer.from(message.text ?? '', 'latin1'),
    Buffer.alloc(message.fill ?? 0, 0xff),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

export interface AttackFrom {
  readonly port: number
  readonly infoHash: InfoHash
  /** The address of the nth socket. */
  readonly localAddress: (n: number) => string
}

/** Resolves when all was sent or hung up on; the sockets stay open, the caller's to destroy. */
export async function attackPeerPort(hostile: HostilePeer, at: AttackFrom): Promise<readonly Socket[]> {
  const bytes = bytesOfHostile(hostile, at.infoHash)
  const sockets = Array.from({ length: hostile.sockets ?? 1 }, (_, n) => {
    const socket = connect({ host: '127.0.0.1', port: at.port, localAddress: at.localAddress(n) })
    socket.on('error', () => undefined) // being hung up on is what we expect
    if (hostile.read === false) socket.pause()
    else socket.resume()
    return socket
  })
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => resolve())
          if (bytes.length === 0) socket.once('connect', () => resolve())
          else socket.write(bytes, () => resolve())
        }),
    ),
  )
  return sockets
}
