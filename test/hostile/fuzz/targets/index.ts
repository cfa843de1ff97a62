/** Every parser that meets foreign bytes, as a fuzz target. */
import type { Target } from '../target.ts'
import { bencodedTargets } from './bencoded.ts'
import { documentTargets } from './documents.ts'
import { extensionTargets } from './extensions.ts'
import { peerWireTargets } from './peer-wire.ts'
import { queryTargets } from './queries.ts'
import { signedTargets } from './signed.ts'
import { textTargets } from './texts.ts'
import { withoutTrackerTargets } from './without-tracker.ts'

export async function allTargets(): Promise<readonly Target[]> {
  return [
    ...bencodedTargets,
    ...extensionTargets,
    ...peerWireTargets,
    ...queryTargets,
    ...(await signedTargets()),
    ...documentTargets,
    ...textTargets,
    ...withoutTrackerTargets,
  ]
}
