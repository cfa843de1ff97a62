/** Getting to trust a portal, and following its keys as they change: the part that asks the portal. */
import type { IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import { portalOrigin } from './portal-address.ts'
import { PortalClient } from './portal-client.ts'
import type { PinnedPortal, TrustStore } from './trust-store.ts'

export interface TrustParts {
  readonly trust: TrustStore
  /** The local address to ask from; without it the system chooses. */
  readonly localAddress?: IpAddress
  readonly clock?: Clock
}

/**
 * Trusts the portal because a person said so (`login`, `--trust`). One already trusted is not asked again.
 *
 * @throws ShoalError `unavailable` when it does not answer, `not-granted` when its key document is not good.
 */
export async function trustPortal(
  url: string,
  parts: TrustParts,
  signal?: AbortSignal,
): Promise<{ readonly portal: PinnedPortal; readonly isNew: boolean }> {
  const origin = portalOrigin(url)
  const known = await parts.trust.find(origin)
  if (known !== undefined) return { portal: known, isNew: false }
  const portal = await fetchPortal(origin, parts, undefined, signal)
  await parts.trust.pin(portal)
  return { portal, isNew: true }
}

/**
 * The portal as its key document shows it now, verified by the key pinned before, if any; nothing is stored.
 * A document older than the one pinned is not taken: somebody may send an old one again.
 *
 * @throws ShoalError `not-granted` when the key changed and the old one did not sign the new one, or when the
 *   document is of another portal.
 */
export async function fetchPortal(
  origin: string,
  parts: TrustParts,
  pinned: PinnedPortal | undefined,
  signal?: AbortSignal,
): Promise<PinnedPortal> {
  const { localAddress } = parts
  const clock = parts.clock ?? systemClock
  const client = new PortalClient({
    baseUrl: origin,
    clock,
    ...(localAddress === undefined ? {} : { localAddress }),
  })
  const [jwks, { openJwks }] = await Promise.all([client.jwks(signal), import('../wire/key-document.ts')])
  const { document, portalKey } = await openJwks(jwks, pinned?.portalKey).catch((error: unknown) => {
    throw refusal(origin, parts, pinned, error)
  })
  const named = portalOrigin(document.portal)
  if (named !== origin)
    throw new ShoalError('not-granted', `the portal at ${origin} calls itself ${named}: use that address`)
  if (pinned !== undefined && Date.parse(document.issuedAt) < Date.parse(pinned.document.issuedAt))
    return pinned
  return { origin, portalKey, document, pinnedAt: pinned?.pinnedAt ?? new Date(clock.epoch()).toISOString() }
}

function refusal(
  origin: string,
  parts: TrustParts,
  pinned: PinnedPortal | undefined,
  cause: unknown,
): unknown {
  if (!(cause instanceof ShoalError) || cause.code !== 'not-granted') return cause
  const message =
    pinned === undefined
      ? `the keys of the portal at ${origin} are refused: it did not sign them`
      : `the portal at ${origin} shows another key than before, which the old key did not sign; ` +
        `if its operator confirms the change, remove it from ${parts.trust.path}`
  return new ShoalError('not-granted', message, { cause })
}
