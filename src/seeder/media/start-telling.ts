/** A publisher's machine reads its media while the release goes to an origin, which reads them itself where this fails. */
import { messageOf, ShoalError } from '../../core/errors.ts'
import { seconds } from '../../core/units.ts'
import { sleep, type Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { LaidOut } from './release-media.ts'
import { tellMedia, type ListedPlace, type TellParts } from './tell-media.ts'

export interface TellingParts {
  readonly clock: Clock
  readonly log: Logger
  readonly client: TellParts['portal']
}

/** When all else is done it is waited for so long, and then left to the origin. */
const LEFT_AFTER = seconds(10)

/** Never fails; ends when it is disposed of. */
export function startTelling(
  { clock, log, client }: TellingParts,
  place: ListedPlace,
  files: LaidOut,
): AsyncDisposable {
  const stopped = new AbortController()
  const telling = tellMedia({ portal: client }, place, files, stopped.signal).catch((error: unknown) =>
    log.warn({ reason: messageOf(error) }, 'the media of the release were not told to the portal'),
  )
  return {
    async [Symbol.asyncDispose]() {
      const enough = new AbortController()
      const late = sleep(clock, LEFT_AFTER, enough.signal).catch(() => undefined)
      await Promise.race([telling, late])
      enough.abort(new ShoalError('interrupted', 'it is done'))
      stopped.abort(new ShoalError('interrupted', 'it took too long'))
      await telling
    },
  }
}
