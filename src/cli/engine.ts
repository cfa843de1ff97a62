/** The peer engine as commands start it. */
import type { IpAddress } from '../core/address.ts'
import type { RateLimit } from '../core/rate-schedule.ts'
import type { Site } from '../core/site.ts'
import type { Logger } from '../platform/log.ts'
import { startEngine, tcpNetwork, type Engine, type EngineOptions, type PeerGuard } from '../swarm/index.ts'
import type { Context } from './context.ts'
import { DEFAULT_PEER_PORT, PEER_PORTS_TO_TRY } from './defaults.ts'

export interface PeerOptions {
  /** Exactly this port; without it the default or the next free one. */
  readonly peerPort?: number
  /** The local address to listen, dial and announce from. */
  readonly bind?: IpAddress
  readonly limitDown?: RateLimit | undefined
  readonly limitUp?: RateLimit | undefined
  /** Of each release. */
  readonly releaseLimitDown?: RateLimit | undefined
  readonly releaseLimitUp?: RateLimit | undefined
  /** The address at which peers reach this machine, where it is none that the system tells. */
  readonly peerHost?: IpAddress
  /** The limits hold for machines of our own site as well. */
  readonly limitLan?: boolean | undefined
  /** Show what is seeded bit by bit, site by site. */
  readonly reveal?: boolean
  /** The site of an address, for who knows the map. */
  readonly siteOf?: (host: IpAddress) => Site
  /** For releases that are for our clients only. */
  readonly guard?: PeerGuard
}

/** @throws ShoalError `conflict` when the port that was asked for is taken. */
export function startPeerEngine(context: Context, log: Logger, options: PeerOptions): Promise<Engine> {
  const { peerPort, bind, siteOf, guard } = options
  return startEngine(
    {
      clock: context.clock,
      random: context.random,
      log,
      network: tcpNetwork(),
      ...(siteOf === undefined ? {} : { siteOf }),
      ...(guard === undefined ? {} : { guard }),
    },
    {
      listen: {
        host: bind ?? '0.0.0.0',
        port: peerPort ?? DEFAULT_PEER_PORT,
        portsToTry: peerPort === undefined ? PEER_PORTS_TO_TRY : 1,
      },
      ...(bind === undefined ? {} : { bindAddress: bind }),
      ...limitsOf(options),
      isLanExempt: options.limitLan !== true,
      ...(options.peerHost === undefined ? {} : { knownAs: options.peerHost }),
      reveal: options.reveal === true,
    },
  )
}

type Limits = Pick<EngineOptions, 'limitDown' | 'limitUp' | 'releaseLimitDown' | 'releaseLimitUp'>

function limitsOf({ limitDown, limitUp, releaseLimitDown, releaseLimitUp }: PeerOptions): Limits {
  return {
    ...(limitDown === undefined ? {} : { limitDown }),
    ...(limitUp === undefined ? {} : { limitUp }),
    ...(releaseLimitDown === undefined ? {} : { releaseLimitDown }),
    ...(releaseLimitUp === undefined ? {} : { releaseLimitUp }),
  }
}
