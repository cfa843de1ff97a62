/** This machine as a device of a portal, and what it needs to tell who else is one: for releases of our clients only. */
import type { DeviceId } from '../core/ids.ts'
import type { Logger } from '../platform/log.ts'
import {
  ControlFeed,
  DeviceGuard,
  EnrolledDevice,
  type PortalClient,
  trustPortal,
  TrustStore,
} from '../portal-client/index.ts'
import { openJwks } from '../wire/key-document.ts'
import type { PublicKey } from '../wire/keys.ts'
import type { Context } from './context.ts'

export interface OwnDeviceParts {
  readonly client: PortalClient
  readonly log: Logger
}

export interface OwnDevice extends AsyncDisposable {
  readonly device: EnrolledDevice
  readonly guard: DeviceGuard
}

/**
 * For commands that a person runs: enrols if need be, and follows the control feed.
 * @throws ShoalError `not-granted` when the device was revoked or the portal is not the one that was trusted.
 */
export async function startOwnDevice(
  context: Context,
  { client, log }: OwnDeviceParts,
  signal: AbortSignal,
): Promise<OwnDevice> {
  const portalKey = await trustedKeyOf(context, client, signal)
  const { clock, random, dataDir } = context
  await using stack = new AsyncDisposableStack()
  const device = stack.use(await EnrolledDevice.open({ client, portalKey, clock, log, dataDir }, signal))
  const feed = stack.use(new ControlFeed({ client, clock, random, log, portalKeys: [portalKey] }))
  await feed.start(signal)
  const guard = new DeviceGuard({ clock, control: feed.state, identity: () => device.identity })
  const running = stack.move()
  return { device, guard, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/**
 * Enrols by a one-time code, and keeps the token that comes with it for the commands that follow.
 * @throws ShoalError `not-authenticated` for a code that is no good.
 */
export async function enrolByCode(
  context: Context,
  { client, log }: OwnDeviceParts,
  signal: AbortSignal,
): Promise<DeviceId> {
  const portalKey = await trustedKeyOf(context, client, signal)
  const { clock, dataDir } = context
  using device = await EnrolledDevice.open({ client, portalKey, clock, log, dataDir, isAnew: true }, signal)
  return device.id
}

/** By the address that the portal gives itself: it may have been asked by another. */
async function trustedKeyOf(context: Context, client: PortalClient, signal: AbortSignal): Promise<PublicKey> {
  const jwks = await client.jwks(signal)
  const { document } = await openJwks(jwks)
  const { portal } = await trustPortal(document.portal, { trust: new TrustStore(context.dataDir) }, signal)
  return (await openJwks(jwks, portal.portalKey)).portalKey
}
