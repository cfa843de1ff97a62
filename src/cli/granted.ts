/** Announce URLs, and a permit where one is needed, that stay good for as long as a transfer lasts. */
import type { Resolved } from '../client/index.ts'
import { epochMillis } from '../core/units.ts'
import { GrantRenewer, type GrantRenewerParts } from '../portal-client/index.ts'

export interface Granted extends Disposable {
  /** Those of the moment. */
  readonly announce: () => readonly (readonly string[])[]
  /** That of the moment; undefined where none is needed. */
  readonly permit: () => string | undefined
}

/** A grant that our own token got is renewed before it ends; one that came with a link cannot be. */
export function keepGranted(
  parts: Pick<GrantRenewerParts, 'clock' | 'random' | 'log'>,
  { grant, announce, ours }: Pick<Resolved, 'grant' | 'announce' | 'ours'>,
): Granted {
  const first = announce[0]?.[0]
  let permit = ours?.permit
  if (grant === undefined || first === undefined)
    return { announce: () => announce, permit: () => permit, [Symbol.dispose]: () => undefined }
  const expiresAt = epochMillis(Date.parse(grant.link.grant.expiresAt))
  const held = { id: grant.id, expiresAt, announceUrl: first }
  const renewGrant: GrantRenewerParts['client']['renewGrant'] = async (id, signal) => {
    const renewal = await grant.client.renewGrant(id, signal)
    // A permit goes with its grant. Without one the old grant is not given up either: both are tried again.
    if (ours !== undefined) permit = (await grant.client.permit(renewal.grant.id, ours.device, signal)).permit
    return renewal
  }
  const renewer = new GrantRenewer({ ...parts, client: { renewGrant } }, held)
  renewer.start()
  return {
    announce: () => [[renewer.announceUrl]],
    permit: () => permit,
    [Symbol.dispose]() {
      renewer.stop()
    },
  }
}
