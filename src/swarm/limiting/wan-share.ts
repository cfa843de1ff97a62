/**
 * What one of our clients may use of the budget that its site has for its link to others (`wan=` in the sites file).
 * All of them at the site keep within it together: each takes an equal share, by as many as it knows to be there. Those
 * it is connected to it knows at once; the tracker also counts those it has no use for, as a seed has none for seeds.
 */
import type { PeerId } from '../../core/ids.ts'
import type { Rate } from '../../core/rate-schedule.ts'
import type { Site } from '../../core/site.ts'
import { bytesPerSecond } from '../../core/units.ts'

export interface OurSite {
  /** What each torrent was told, or what the map says of each of our addresses; undefined while nothing is known. */
  readonly sites: readonly (Site | undefined)[]
  /** The most that a tracker has counted there in a swarm of ours, ourselves included. */
  readonly peers: number
  /** Our own clients there that we are connected to, some more than once. */
  readonly colleagues: () => Iterable<PeerId>
}

/** Undefined: nobody has set a budget. Of several that were told, the smallest holds. */
export function wanShare({ sites, peers, colleagues }: OurSite): Rate {
  const budgets = sites.map((site) => site?.wanBytesPerSecond ?? 0).filter((rate) => rate > 0)
  if (budgets.length === 0) return undefined
  const sharing = Math.max(peers, 1 + new Set(colleagues()).size)
  return bytesPerSecond(Math.max(1, Math.floor(Math.min(...budgets) / sharing)))
}
