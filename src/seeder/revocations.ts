/**
 * When the portal takes grants back, the peers that came by them must go: the engine is told to ask the tracker
 * about everybody again. Trackers follow the same feed, and may hear of it up to ten seconds after us: so it is
 * told soon, for most, and once more when every tracker knows, well within the minute that is promised.
 */
import { millis, seconds, type Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { ControlEvent } from '../wire/control.ts'
import type { Engine } from '../swarm/index.ts'

export interface RevocationParts {
  readonly clock: Clock
  readonly control: Pick<ControlView, 'onChange'>
  readonly engine: Pick<Engine, 'reconsiderPeers'>
}

const SOON = seconds(2)
const SURELY = seconds(40)
/** What trackers may lag behind, with some slack. */
const TRACKERS_KNOW_AFTER = seconds(15)

const TAKES_BACK: ReadonlySet<ControlEvent['kind']> = new Set([
  'grant-revoked',
  'grant-key-retired',
  'refuse-before',
  'recalled',
  'epoch',
])

/** Until it is disposed of. */
export function watchRevocations({ clock, control, engine }: RevocationParts): Disposable {
  let soon: Timer | undefined
  let surely: Timer | undefined
  let lastAt: Millis = clock.now()
  const lookSoon = (): void => {
    soon = undefined
    engine.reconsiderPeers()
  }
  const lookSurely = (): void => {
    surely = undefined
    engine.reconsiderPeers()
    const early = millis(Math.max(0, TRACKERS_KNOW_AFTER - (clock.now() - lastAt)))
    if (early > 0) surely = clock.after(early, lookSurely) // one came while this one was waited for
  }
  const stop = control.onChange((events) => {
    if (!events.some((event) => TAKES_BACK.has(event.kind))) return
    lastAt = clock.now()
    soon ??= clock.after(SOON, lookSoon)
    surely ??= clock.after(SURELY, lookSurely)
  })
  return {
    [Symbol.dispose]() {
      stop()
      soon?.cancel()
      surely?.cancel()
    },
  }
}
