/** What the seeder asks of a portal; `portal-client`'s PortalClient has all of it. */
import type { PortalClient } from '../portal-client/index.ts'

export type SeederPortal = Pick<
  PortalClient,
  | 'me'
  | 'bundle'
  | 'createBundle'
  | 'addRelease'
  | 'release'
  | 'describeRelease'
  | 'setPoster'
  | 'torrentOf'
  | 'createLink'
  | 'reportPresence'
  | 'reportTransfers'
  | 'wanted'
>
