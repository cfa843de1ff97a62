/** The peer engine as commands start it. */
import type { IpAddress } from '../core/address.ts'
import type { BytesPerSecond } from '../core/units.ts'
import type { Logger } from '../platform/log.ts'
import { startEngine, tcpNetwork, type Engine, type PeerGuard } from '../swarm/index.ts'
import type { Context } from './context.ts'
import { DEFAULT_PEER_PORT, PEER_PORTS_TO_TRY } from './defaults.ts'

export interface PeerOptions {
  /** Exactly this port; without it the default or the next free one. */
  readonly peerPort?: number
  /** The local address to listen, dial and announce from. */
  readonly bind?: IpAddress
  readonly limitDown?: BytesPerSecond
  readonly limitUp?: BytesPerSecond
  /** Show what is seeded bit by bit, site by site; `siteOf` names the site of an address. */
  readonly reveal?: { readonly siteOf: (host: IpAddress) => string }
  /** For releases that are for our clients only. */
  readonly guard?: PeerGuard
}

/** @throws ShoalError `conflict` when the port that was asked for is taken. */
export function startPeerEngine(context: Context, log: Logger, options: PeerOptions): Promise<Engine> {
  const { peerPort, bind, limitDown, limitUp, reveal, guard } = options
  return startEngine(
    {
      clock: context.clock,
      random: context.random,
      log,
      network: tcpNetwork(),
      ...(reveal === undefined ? {} : { siteOf: reveal.siteOf }),
      ...(guard === undefined ? {} : { guard }),
    },
    {
      listen: {
        host: bind ?? '0.0.0.0',
        port: peerPort ?? DEFAULT_PEER_PORT,
        portsToTry: peerPort === undefined ? PEER_PORTS_TO_TRY : 1,
      },
      ...(bind === undefined ? {} : { bindAddress: bind }),
      ...(limitDown === undefined ? {} : { limitDown }),
      ...(limitUp === undefined ? {} : { limitUp }),
      reveal: reveal !== undefined,
    },
  )
}
