/** An origin as `up` and `shoal seeder` run it: control feed, peer engine and seeder, in this order. */
import type { IpAddress } from '../core/address.ts'
import type { Site, SiteMap } from '../core/site.ts'
import type { Logger } from '../platform/log.ts'
import { messageOf } from '../core/errors.ts'
import { DeviceGuard, EnrolledDevice, type ControlFeed, type PortalClient } from '../portal-client/index.ts'
import type { ReleaseMaker } from '../portal/index.ts'
import type { PublicKey } from '../wire/keys.ts'
import type { Seeder } from '../seeder/index.ts'
import type { Engine } from '../swarm/index.ts'
import type { Context } from './context.ts'
import { startPeerEngine, type PeerOptions } from './engine.ts'

export interface OriginParts {
  readonly log: Logger
  /** With a token of the role `origin`. */
  readonly client: PortalClient
  readonly feed: ControlFeed
  readonly sites: () => SiteMap
  readonly portalKey: PublicKey
}

export interface OriginOptions extends Omit<PeerOptions, 'reveal' | 'siteOf'> {
  /** Whether each piece is shown to one site first. */
  readonly reveal: boolean
  readonly library?: string
  readonly isLibraryAutomatic?: boolean
  readonly audience: readonly string[]
  readonly rightsStatement: string
  /** 0: what is served is never read but when somebody asks for it. */
  readonly scrubBytesPerSecond: number
  /** The address at which peers reach us; without it the one that the portal sees. */
  readonly peerHost?: IpAddress
}

export interface RunningOrigin extends AsyncDisposable {
  readonly engine: Engine
  readonly maker: ReleaseMaker
  readonly contentOf: Seeder['contentOf']
}

/** Undefined when the portal does not certify it: releases for any client are served all the same. */
async function enrolled(context: Context, parts: OriginParts): Promise<EnrolledDevice | undefined> {
  const { clock, dataDir } = context
  try {
    return await EnrolledDevice.open({ ...parts, clock, dataDir, isOrigin: true })
  } catch (error) {
    parts.log.error(
      { reason: messageOf(error) },
      'this origin is not enrolled, so releases for our own clients only are not served from here',
    )
    return undefined
  }
}

/** Resolves when it listens for peers and the first look at the library has begun. */
export async function startOrigin(
  context: Context,
  parts: OriginParts,
  options: OriginOptions,
): Promise<RunningOrigin> {
  const { startSeeder } = await import('../seeder/index.ts')
  await using stack = new AsyncDisposableStack()
  const siteOf = (host: IpAddress): Site => parts.sites().siteOf(host)
  const device = await enrolled(context, parts)
  if (device !== undefined) stack.use(device)
  const guard =
    device === undefined
      ? undefined
      : new DeviceGuard({
          clock: context.clock,
          control: parts.feed.state,
          identity: () => device.identity,
        })
  const engine = stack.use(
    await startPeerEngine(context, parts.log, {
      ...options,
      siteOf,
      ...(guard === undefined ? {} : { guard }),
    }),
  )
  const seeder = stack.use(
    await startSeeder(
      {
        clock: context.clock,
        random: context.random,
        log: parts.log,
        dataDir: context.dataDir,
        client: parts.client,
        control: parts.feed.state,
        engine,
      },
      {
        audience: options.audience,
        rightsStatement: options.rightsStatement,
        scrubBytesPerSecond: options.scrubBytesPerSecond,
        presenceKind: 'origin',
        ...(options.library === undefined ? {} : { library: options.library }),
        isLibraryAutomatic: options.isLibraryAutomatic ?? true,
        ...(options.peerHost === undefined ? {} : { peerHost: options.peerHost }),
      },
    ),
  )
  const running = stack.move()
  return {
    engine,
    maker: seeder.maker,
    contentOf: (hash) => seeder.contentOf(hash),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
