/** Every hostile input ever seen on the peer port, against an engine that really listens: each must be harmless. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ipAddress } from '../../src/core/address.ts'
import { type InfoHash, peerId } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createLogger, type Logger } from '../../src/platform/log.ts'
import { type Engine, startEngine, tcpNetwork } from '../../src/swarm/index.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'

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
interface Hostile {
  readonly why: string
  readonly send: readonly Step[]
  readonly sockets?: number
  readonly read?: boolean
}

const CORPUS = join(import.meta.dirname, '../hostile/corpus/peer')
const made = makeTorrent(64 * 1024, { pieceLength: 16_384 })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function bytesOfStep(step: Step, infoHash: InfoHash): Buffer {
  const once = (): Buffer => {
    if (step.handshake === true) {
      const id = peerId(
        Buffer.from(
          `hostile ${String(process.hrtime.bigint() % 1_000_000_000_000n)}`.padEnd(20).slice(0, 20),
        ).toString('hex'),
      )
      return Buffer.from(encodeHandshake({ infoHash, peerId: id, hasExtensions: true, hasFast: true }))
    }
    const { message } = step
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
  const bytes = once()
  return Buffer.concat(Array<Buffer>(step.times ?? 1).fill(bytes))
}

async function attack(port: number, hostile: Hostile): Promise<Socket[]> {
  const bytes = Buffer.concat(hostile.send.map((step) => bytesOfStep(step, made.torrent.infoHash)))
  const sockets = Array.from({ length: hostile.sockets ?? 1 }, () => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => undefined) // being hung up on is what we expect
    if (hostile.read === false) socket.pause()
    else socket.resume()
    return socket
  })
  const sent = sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        socket.write(bytes, () => resolve())
      }),
  )
  await Promise.all(hostile.send.length === 0 ? [] : sent)
  return sockets
}

describe('the peer port', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-hostile-'))
  let engine: Engine
  let bugs = 0

  before(async () => {
    for (const [path, bytes] of made.contents) writeFileSync(join(folder, path), bytes)
    const log: Logger = createLogger({ level: 'silent' })
    log.error = () => {
      bugs++
    }
    engine = await startEngine(
      { clock: systemClock, random: seededRandom(3), log, network: tcpNetwork() },
      { listen: { host: '127.0.0.1', port: 0, portsToTry: 1 } },
    )
    const { torrent } = made
    engine.add({ infoHash: torrent.infoHash, torrent, folder, mode: 'seed' })
  })

  after(async () => {
    await engine[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  /** From another address than the attacks, whose strangers have used up theirs. */
  async function servesHonestPeer(): Promise<void> {
    let block: Uint8Array | undefined
    const to = { host: ipAddress('127.0.0.1'), port: engine.port }
    const puppet = await Puppet.dial(tcpNetwork(), to, '127.0.0.2', {
      infoHash: made.torrent.infoHash,
      id: Buffer.from('an honest peer 12345').toString('hex'),
      onMessage(message) {
        if (message.kind === 'unchoke') puppet.say({ kind: 'request', piece: 1, offset: 0, length: 16_384 })
      },
      onBlock: (_piece, _offset, bytes) => (block = bytes),
    })
    puppet.say({ kind: 'interested' })
    while (block === undefined) await turn() // mocha's timeout is the bound
    const [content] = [...made.contents.values()]
    assert.deepEqual(block, content?.slice(16_384, 32_768))
    puppet.hangUp()
  }

  const files = readdirSync(CORPUS)
  for (const file of files) {
    const hostile = JSON.parse(readFileSync(join(CORPUS, file), 'utf8')) as Hostile
    it(`bears ${hostile.why}, and serves on`, async () => {
      const sockets = await attack(engine.port, hostile)
      await servesHonestPeer()
      assert.equal(bugs, 0, 'something was thrown that is no ShoalError')
      for (const socket of sockets) socket.destroy()
    })
  }

  it('was shown the whole corpus', () => assert.ok(files.length >= 40))
})
