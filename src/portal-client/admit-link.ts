/**
 * Whether to believe a link, before any host that it names is asked for anything ("Whom to trust" in
 * docs/architecture.md). The portal of a link is the origin of its `xs`; the link must be signed by a link
 * key of that portal, name no host that the portal does not declare, and the portal must be one that this
 * machine trusts, or the first that it meets.
 */
import { ShoalError } from '../core/errors.ts'
import { parseMagnet, portalOfMagnet, undeclaredHosts, type Magnet } from '../wire/magnet.ts'
import { fetchPortal, trustPortal, type TrustParts } from './pin-portal.ts'
import type { PinnedPortal } from './trust-store.ts'

export interface AdmitLinkOptions {
  /** `--unsigned`: take a link that carries no signature, on purpose. A signature that is there must be good. */
  readonly unsigned?: boolean
  /** `--trust URL`: trust this portal from now on. */
  readonly trustPortal?: string
}

export interface AdmittedLink {
  readonly magnet: Magnet
  /** The origin of the portal that signed it; absent for an unsigned link. */
  readonly portal?: string
  /** The same, when it is trusted from now on and was not before: say so to the person. */
  readonly newlyTrusted?: string
}

/**
 * @throws ShoalError `bad-input` for what is no magnet link, `not-granted` for one that is not trusted,
 *   `unavailable` when the portal's keys are needed and it does not answer.
 */
export async function admitLink(
  text: string,
  parts: TrustParts,
  options: AdmitLinkOptions = {},
  signal?: AbortSignal,
): Promise<AdmittedLink> {
  const magnet = parseMagnet(text)
  const asked =
    options.trustPortal === undefined ? undefined : await trustPortal(options.trustPortal, parts, signal)
  if (magnet.signature === undefined) {
    if (options.unsigned !== true)
      throw new ShoalError(
        'not-granted',
        'this link is not signed, so anybody may have made it: take a fresh one from the portal, or add --unsigned',
      )
    return { magnet, ...(asked?.isNew === true ? { newlyTrusted: asked.portal.origin } : {}) }
  }
  const portal = portalOfMagnet(magnet)
  if (portal === undefined)
    throw new ShoalError(
      'not-granted',
      'this link names no portal (it has no "xs"): take a fresh one from the portal',
    )
  const isFirst = await admitSigned(magnet, magnet.signature.kid, portal, parts, signal)
  const isNew = isFirst || (asked?.isNew === true && asked.portal.origin === portal)
  return { magnet, portal, ...(isNew ? { newlyTrusted: portal } : {}) }
}

/** True when the portal was pinned by this: it is the first that this machine trusts. */
async function admitSigned(
  magnet: Magnet,
  kid: string,
  origin: string,
  parts: TrustParts,
  signal?: AbortSignal,
): Promise<boolean> {
  const trusted = await parts.trust.all()
  const pinned = trusted.find((portal) => portal.origin === origin)
  if (pinned === undefined && trusted.length > 0) throw foreign(origin, trusted)
  const portal = await currentPortal(magnet, kid, origin, parts, pinned, signal)
  await refuseBadSignature(magnet, portal)
  const strangers = undeclaredHosts(magnet, portal.document)
  if (strangers.length > 0)
    throw new ShoalError(
      'not-granted',
      `this link leads to ${strangers.join(', ')}, which ${origin} does not declare as its own`,
    )
  // Only now: a link that is refused makes nobody trusted. What was pinned follows the portal's new keys.
  if (portal !== pinned) await parts.trust.pin(portal)
  return pinned === undefined
}

/** As pinned; asked for anew, once, when it is not pinned or when the link knows more of it than we do. */
async function currentPortal(
  magnet: Magnet,
  kid: string,
  origin: string,
  parts: TrustParts,
  pinned: PinnedPortal | undefined,
  signal?: AbortSignal,
): Promise<PinnedPortal> {
  if (pinned === undefined) return await fetchPortal(origin, parts, undefined, signal)
  if (!pinned.document.keys.some((key) => key.kid === kid && key.purpose === 'link'))
    return await fetchPortal(origin, parts, pinned, signal)
  if (undeclaredHosts(magnet, pinned.document).length === 0) return pinned
  await refuseBadSignature(magnet, pinned) // a forged link makes us ask nobody
  return await fetchPortal(origin, parts, pinned, signal)
}

async function refuseBadSignature(magnet: Magnet, portal: PinnedPortal): Promise<void> {
  const { verifyMagnet } = await import('../wire/magnet-signature.ts')
  const linkKeys = portal.document.keys.filter((key) => key.purpose === 'link')
  if (await verifyMagnet(magnet, linkKeys)) return
  throw new ShoalError(
    'not-granted',
    `this link was not signed by ${portal.origin}, or was changed on its way: take a fresh one from the portal`,
  )
}

function foreign(origin: string, trusted: readonly PinnedPortal[]): ShoalError {
  const names = trusted.map((portal) => portal.origin).join(', ')
  return new ShoalError(
    'not-granted',
    `this link is of the portal ${origin}; this machine trusts ${names}. If you know that portal, add --trust ${origin}`,
  )
}
