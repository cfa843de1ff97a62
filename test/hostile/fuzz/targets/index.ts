/** Every parser that meets foreign bytes, as a fuzz target. */
import type { Target } from '../target.ts'
import { bencodedTargets } from './bencoded.ts'
import { documentTargets } from './documents.ts'
import { extensionTargets } from './extensions.ts'
import { leaseTargets } from './leases.ts'
import { mediaTargets } from './media.ts'
import { peerWireTargets } from './peer-wire.ts'
import { queryTargets } from './queries.ts'
import { reachTargets } from './reach.ts'
import { siteMessageTargets } from './site-messages.ts'
import { signedTargets } from './signed.ts'
import { signalTargets } from './signal.ts'
import { textTargets } from './texts.ts'
import { udpTargets } from './udp.ts'
import { watchingTargets } from './watching.ts'
import { webSeedTargets } from './web-seeds.ts'
import { withoutTrackerTargets } from './without-tracker.ts'

export async function allTargets(): Promise<readonly Target[]> {
  return [
    ...bencodedTargets,
    ...extensionTargets,
    ...siteMessageTargets,
    ...peerWireTargets,
    ...queryTargets,
    ...signalTargets,
    ...leaseTargets,
    ...mediaTargets,
    ...reachTargets,
    ...(await signedTargets()),
    ...documentTargets,
    ...textTargets,
    ...udpTargets,
    ...watchingTargets,
    ...webSeedTargets,
    ...withoutTrackerTargets,
  ]
}
