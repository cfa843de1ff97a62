/** The tracker's UDP port: a socket of each family, and the frontend behind them. */
import { listenUdp } from '../platform/udp-listener.ts'
import { limits } from '../wire/limits.ts'
import {
  type UdpCounts,
  UdpFrontend,
  type UdpFrontendOptions,
  type UdpFrontendParts,
} from './udp-frontend.ts'

export interface UdpPort extends AsyncDisposable {
  readonly port: number
  stats(): UdpStats
}

export interface UdpStats extends UdpCounts {
  /** Replies that the kernel did not take. */
  readonly unsent: number
}

export interface UdpAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/**
 * Resolves when the port answers.
 * @throws ShoalError `conflict` when the port is taken, `bad-usage` when the address cannot be bound.
 */
export async function startUdp(
  parts: UdpFrontendParts,
  at: UdpAddress,
  options: UdpFrontendOptions,
): Promise<UdpPort> {
  const frontend = new UdpFrontend(parts, options)
  const listener = await listenUdp(
    (packet, from, send) => {
      frontend.handle(packet, from, send)
    },
    {
      ...at,
      receiveQueueBytes: limits.udpReceiveQueueBytes,
      sendQueueBytesMax: limits.udpSendQueueBytesMax,
      onError: (error) => {
        parts.log.error({ err: error }, 'tracker: a datagram failed')
      },
    },
  )
  return {
    port: listener.port,
    stats: () => ({ ...frontend.counts, unsent: listener.unsent }),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}
