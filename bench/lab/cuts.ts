/** The rules of the core's routing by which a cut drops packets. Pure. */
import type { Cut } from './plan.ts'

/** With the network of each site; for `ip rule add` and `ip rule del`. A black hole says nothing to the sender, as a dead line does not. */
export function rulesOf({ between }: Cut, siteNetworks: readonly string[]): readonly string[] {
  const of = (site: number): string => {
    const cidr = siteNetworks[site]
    if (cidr === undefined) throw new RangeError(`there is no site ${site + 1} to cut`)
    return cidr
  }
  switch (between.kind) {
    case 'pair': {
      const [a, b] = [of(between.sites[0]), of(between.sites[1])]
      return [`from ${a} to ${b} blackhole`, `from ${b} to ${a} blackhole`]
    }
    case 'apart':
      return between.sites.flatMap((site) => [`from ${of(site)} blackhole`, `to ${of(site)} blackhole`])
  }
}
