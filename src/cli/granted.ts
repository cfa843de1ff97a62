/** Announce URLs that stay good for as long as a transfer lasts. */
import type { Resolved } from '../client/index.ts'
import { epochMillis } from '../core/units.ts'
import { GrantRenewer, type GrantRenewerParts } from '../portal-client/index.ts'

export interface Granted extends Disposable {
  /** Those of the moment. */
  readonly announce: () => readonly (readonly string[])[]
}

/** A grant that our own token got is renewed before it ends; one that came with a link cannot be. */
export function keepGranted(
  parts: Pick<GrantRenewerParts, 'clock' | 'random' | 'log'>,
  { grant, announce }: Pick<Resolved, 'grant' | 'announce'>,
): Granted {
  const first = announce[0]?.[0]
  if (grant === undefined || first === undefined)
    return { announce: () => announce, [Symbol.dispose]: () => undefined }
  const expiresAt = epochMillis(Date.parse(grant.link.grant.expiresAt))
  const held = { id: grant.id, expiresAt, announceUrl: first }
  const renewer = new GrantRenewer({ ...parts, client: grant.client }, held)
  renewer.start()
  return {
    announce: () => [[renewer.announceUrl]],
    [Symbol.dispose]() {
      renewer.stop()
    },
  }
}
