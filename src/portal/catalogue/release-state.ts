/** Where a release goes from where it is. Pure. */
import { unreachable } from '../../core/errors.ts'
import type { ReleaseState } from '../../wire/api.ts'
import type { ReleaseHappening } from './catalogue.ts'

/** Published, and no origin holds it in full yet. */
export const WAITING_STATES = ['draft', 'uploading', 'hashing', 'scanning'] as const satisfies ReleaseState[]

/** `undefined`: it stays. Recalled is final; what never was live cannot go missing. */
export function nextState(
  state: ReleaseState,
  happening: ReleaseHappening['kind'],
): ReleaseState | undefined {
  switch (state) {
    case 'recalled':
      return undefined
    case 'draft':
    case 'uploading':
    case 'hashing':
    case 'scanning':
      return happening === 'complete' ? 'live' : happening === 'recalled' ? 'recalled' : undefined
    case 'missing':
      return happening === 'complete' ? 'live' : happening === 'recalled' ? 'recalled' : undefined
    case 'live':
      return happening === 'complete' ? undefined : happening
    case 'failed':
      return happening === 'recalled' ? 'recalled' : undefined
    default:
      return unreachable(state)
  }
}
