/** Which peers are our own client, by what they speak. Costs nothing to claim: nothing secret may depend on it. */
import type { Peer } from './peer.ts'

/** It divides the work of a site, and takes a bitfield in mid-stream. */
export const isMate = (peer: Peer): boolean => peer.extensionId('sh_fetch') !== undefined
