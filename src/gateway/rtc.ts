/**
 * The native library behind one small door, loaded in the child alone. What it calls back must not throw: an exception
 * there ends the process, whoever's bytes it came of.
 */
import { createSocket } from 'node:dgram'
import nodeDataChannel, { type PeerConnection, type RtcConfig } from 'node-datachannel'
import type { IpAddress } from '../core/address.ts'
import { messageOf, ShoalError } from '../core/errors.ts'
import { MiB } from '../core/units.ts'
import type { Logger } from '../platform/log.ts'
import type { IceServer } from '../wire/ice-servers.ts'

export interface RtcOptions {
  /** The one port of all connections. */
  readonly udpPort: number
  readonly bindAddress?: IpAddress | undefined
  readonly iceServers: readonly IceServer[]
}

const PORTS_TO_TRY = 20
/** What waits in the library for one connection to be acknowledged: what a far office keeps in flight. */
const SCTP_SEND_BYTES = 1 * MiB

export class Rtc {
  readonly #config: RtcConfig
  readonly #log: Logger

  constructor(log: Logger, options: RtcOptions) {
    this.#log = log
    this.#config = {
      iceServers: options.iceServers.flatMap(nativeServers),
      enableIceUdpMux: true,
      portRangeBegin: options.udpPort,
      portRangeEnd: options.udpPort,
      ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
    }
    nodeDataChannel.setSctpSettings({ sendBufferSize: SCTP_SEND_BYTES })
  }

  connection(name: string): PeerConnection {
    return new nodeDataChannel.PeerConnection(name, this.#config)
  }

  /** A callback for the library. */
  guarded<A extends unknown[]>(onFailure: () => void, action: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        action(...args)
      } catch (error) {
        this.#log.error(`a connection was dropped after a bug of ours: ${messageOf(error)}`)
        onFailure()
      }
    }
  }
}

/** As the library takes them; it knows no TURN but these kinds. */
function nativeServers({ urls, username, credential }: IceServer): string[] {
  const [scheme = '', rest = ''] = urls.split(/:(.*)/s)
  if (scheme === 'stuns') return [] // it speaks STUN over UDP only
  if (username === undefined || credential === undefined) return [urls]
  return [`${scheme}:${encodeURIComponent(username)}:${encodeURIComponent(credential)}@${rest}`]
}

/** A UDP port that nobody has, from `port` on; any, for 0. @throws ShoalError `conflict`. */
export async function freeUdpPort(port: number, bindAddress: IpAddress | undefined): Promise<number> {
  const last = Math.min(65_535, port + PORTS_TO_TRY - 1)
  for (let next = port; next <= last; next++) {
    const found = await tryPort(port === 0 ? 0 : next, bindAddress)
    if (found !== undefined) return found
  }
  throw new ShoalError('conflict', `the UDP ports ${port} to ${last} are all taken`)
}

function tryPort(port: number, address: IpAddress | undefined): Promise<number | undefined> {
  const socket = createSocket(address?.includes(':') === true ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    socket.once('error', () => {
      resolve(undefined)
    })
    socket.bind({ port, exclusive: true, ...(address === undefined ? {} : { address }) }, () => {
      const found = socket.address().port
      socket.close(() => {
        resolve(found)
      })
    })
  })
}
