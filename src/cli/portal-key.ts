/** The key by which a service knows the portal that it was pointed at: pinned at the first start. */
import type { PublicKey } from '../wire/keys.ts'
import { trustPortal, TrustStore, type PortalClient } from '../portal-client/index.ts'
import type { Context } from './context.ts'

/** @throws ShoalError `not-granted` when the portal's key is another than the pinned one and the old did not sign it. */
export async function readKeyOf(
  context: Context,
  client: PortalClient,
  signal: AbortSignal,
): Promise<PublicKey> {
  const { portal } = await trustPortal(client.origin, { trust: new TrustStore(context.dataDir) }, signal)
  return portal.portalKey
}
